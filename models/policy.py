"""The rules an admin writes (being completed)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import yaml
from sqlmodel import Field, Session, SQLModel, col, select

from models.amount import Unit, from_plain
from models.calendar import Cadence, Quiet


@dataclass(frozen=True)
class Due:
    amount: int
    rule: int
    reason: str


@dataclass(frozen=True)
class Lending:
    enabled: bool = True
    keep_share: Decimal = Decimal("0.2")
    max_open_as_borrower: int = 3
    max_borrowed_share: Decimal = Decimal(1)
    repay_share: Decimal = Decimal("0.5")


@dataclass(frozen=True)
class Auto:
    share: Decimal = Decimal(0)
    per_period: int = 0


@dataclass(frozen=True)
class Requests:
    fallback_approvers: tuple = ()
    auto_approve: Auto = Auto()
    remind_after: timedelta = timedelta(hours=4)
    escalate_after: timedelta = timedelta(hours=24)
    expire_after: timedelta = timedelta(hours=72)


@dataclass(frozen=True)
class Carry:
    share: Decimal = Decimal(0)
    cap: int | None = None


@dataclass(frozen=True)
class TeamRule:
    name: str
    parent: str | None = None
    owner: str | None = None
    top_up_budget: int | None = None


@dataclass(frozen=True)
class Policy:
    unit: Unit = Unit.USD
    timezone: str = "Asia/Shanghai"
    period: Cadence = Cadence()
    admins: tuple = ()
    rules: tuple = ()
    teams: tuple = ()
    lending: Lending = Lending()
    requests: Requests = Requests()
    carry_over: Carry = Carry()
    free_models: tuple = ()
    up_to: dict = field(default_factory=dict)
    quiet: Quiet | None = Quiet((time(20), time(8)), frozenset({5, 6}))

    @property
    def zone(self):
        return ZoneInfo(self.timezone)

    def base_for(self, columns):
        for n, (match, amount) in enumerate(self.rules):
            if all(columns.get(k) == v for k, v in match.items()):
                return Due(amount, n, "")
        return Due(0, -1, "")

    def team_chain(self, name):
        by = {t.name: t for t in self.teams}
        out = []
        while name in by and by[name] not in out:
            out.append(by[name])
            name = by[name].parent
        return out

    def ceiling(self, kind):
        return self.up_to.get(kind)


class PolicyVersion(SQLModel, table=True):
    version: int = Field(primary_key=True)
    text: str
    applied_at: datetime
    applied_by: str
    effective: date | None = None


@lru_cache
def parse(text: str, name: str = "policy.yaml") -> Policy:
    d = yaml.safe_load(text)
    unit = Unit(d["unit"])
    amt = lambda x: from_plain(str(x), unit)
    r = d.get("requests", {})
    return Policy(
        unit=unit,
        timezone=d.get("timezone", "UTC"),
        admins=tuple(d.get("admins", ())),
        rules=tuple((a["match"], amt(a["amount"])) for a in d["allocations"]),
        teams=tuple(
            TeamRule(
                t["name"],
                t.get("parent"),
                t.get("owner"),
                None if t.get("top_up_budget") is None else amt(t["top_up_budget"]),
            )
            for t in d.get("teams", ())
        ),
        free_models=tuple(d.get("free_models", ())),
        up_to={k: amt(v) for k, v in r.get("approve_up_to", {}).items()},
        requests=Requests(tuple(r.get("fallback_approvers", ()))),
    )


def current(session: Session):
    row = session.exec(
        select(PolicyVersion)
        .where(col(PolicyVersion.effective).is_(None))
        .order_by(col(PolicyVersion.version).desc())
        .limit(1)
    ).first()
    return (row.version, parse(row.text)) if row else None


def record_version(session, text, now, by, effective=None):
    n = len(session.exec(select(PolicyVersion)).all()) + 1
    session.add(PolicyVersion(version=n, text=text, applied_at=now, applied_by=by, effective=effective))
    session.flush()
    return n
