"""Spend of a period: by team and model, and by day. Never by person. Amounts are integers in the stored unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.ledger.transfer import Kind
from models.metering.outlook import rounded
from models.metering.usage import ActiveAgent, Usage
from models.people.member import Member
from models.policy import document, versions
from models.policy.calendar import midnight
from models.quota.period import Period, PeriodState
from models.statement import Statement

EVERYBODY = "*"
OTHER = "other"
"""The model of what nobody said a model of."""


@dataclass(frozen=True)
class Line:
    """A team's period, or with `model` its spend on one. `forecast`: use till the end at the pace so far.

    `carried`: what was left of the period before when the new allocation came. `fallback`: the part of `used` that the
    organisation paid beyond own quota. `given`: own allocation given to a team or to the organisation.
    """

    team: str
    model: str = ""
    people: int = 0
    allocation: int = 0
    used: int = 0
    lent: int = 0
    borrowed: int = 0
    granted: int = 0
    expired: int = 0
    forecast: int = 0
    carried: int = 0
    fallback: int = 0
    given: int = 0


@dataclass(frozen=True)
class ModelUse:
    """Spend on a model as its gateway told it by day, and the tokens in it."""

    model: str
    spent: int
    tokens: int

    @property
    def per_million(self) -> int | None:
        """Stored units for a million tokens; None where no tokens are known."""
        return self.spent * 1_000_000 // self.tokens if self.tokens else None


@dataclass(frozen=True)
class Day:
    """`active`: agents with a call that day; `people`: their members; `spent`: by all of them."""

    day: date
    active: int
    spent: int
    people: int


def period_named(session: Session, name: str | None, zone: ZoneInfo) -> Period | None:
    """The period that starts in a month (2026-11) or holds a day (2026-11-15); without a name, the newest.

    Raises `ValueError` for any other name.
    """
    if not name:
        return session.exec(select(Period).order_by(col(Period.starts_at).desc()).limit(1)).first()
    whole = len(name) == len("2026-11")
    first = date.fromisoformat(f"{name}-01" if whole else name)
    start = midnight(first, zone)
    query = select(Period).order_by(col(Period.starts_at)).limit(1)
    if whole:
        end = midnight((first + timedelta(days=31)).replace(day=1), zone)
        found = session.exec(query.where(Period.starts_at >= start, Period.starts_at < end)).first()
        if found is not None:
            return found
    return session.exec(query.where(Period.starts_at <= start, Period.ends_at > start)).first()


def by_team(session: Session, period: Period, now: datetime) -> list[Line]:
    """Each team with its models below it, by name, and `*` for all at the end. Teams as of today."""
    teams = _teams(session, period)
    return [
        line
        for team in (*teams, _Team.together(teams))
        for line in (
            _foreseen(
                Line(team.name, "", team.people, carried=team.carried, **_figures(team.rows)), period, now
            ),
            *(_foreseen(Line(team.name, model, used=used), period, now) for model, used in team.models()),
        )
    ]


def used_by_team(session: Session, start: datetime, end: datetime) -> Counter[str]:
    """What was used between two moments, by the folded name of the team."""
    found = Counter[str]()
    for one in _PERIOD.all(session, period=0, opening="", start=start, end=end):  # no period has this number
        if one.kind == Kind.USE and one.inward:
            found[document.fold(one.team)] += one.amount
    return found


def active_by_day(session: Session, teams: Collection[str], first: date, end: date) -> list[int]:
    """How many agents of these teams (folded names) had a call, on each day from `first` to before `end` that had any."""
    agents = (
        select(col(ActiveAgent.day), col(Member.team), func.count())
        .join(Member, col(Member.id) == ActiveAgent.member_id)
        .where(ActiveAgent.day >= first, ActiveAgent.day < end)
        .group_by(col(ActiveAgent.day), col(Member.team))
    )
    found = Counter[date]()
    for day, team, number in session.exec(agents).all():
        if document.fold(team) in teams:
            found[day] += int(number)
    return list(found.values())


def by_day(session: Session, period: Period, zone: ZoneInfo) -> list[Day]:
    """Days with a call. An agent counts once a day."""
    first, end = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
    spent = dict(
        session.exec(
            select(col(Usage.day), func.sum(col(Usage.amount)))
            .where(Usage.day >= first, Usage.day < end)
            .group_by(col(Usage.day))
        ).all()
    )
    agents = (
        select(col(ActiveAgent.day), func.count(), func.count(func.distinct(col(ActiveAgent.member_id))))
        .where(ActiveAgent.day >= first, ActiveAgent.day < end)
        .group_by(col(ActiveAgent.day))
        .order_by(col(ActiveAgent.day))
    )
    return [
        Day(day, int(active), int(spent.get(day, 0)), int(people))
        for day, active, people in session.exec(agents).all()
    ]


def by_model(session: Session, period: Period, zone: tzinfo) -> list[ModelUse]:
    """The models of a period, the largest spend first."""
    first, end = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
    tokens = func.sum(col(Usage.input_tokens) + col(Usage.output_tokens))
    query = select(Usage.model, func.sum(col(Usage.amount)), tokens).group_by(col(Usage.model))
    rows = session.exec(query.where(Usage.day >= first, Usage.day < end)).all()
    found = [ModelUse(model, int(spent), int(count)) for model, spent, count in rows if spent or count]
    return sorted(found, key=lambda one: (-one.spent, one.model))


_Row = tuple[str, bool, str, int]  # kind, inward, model, amount


@dataclass
class _Team:
    """Movements of a team's members in a period, and the noted use of models."""

    name: str
    people: int = 0
    carried: int = 0
    rows: list[_Row] = field(default_factory=list)
    noted: Counter[str] = field(default_factory=Counter)

    @classmethod
    def together(cls, teams: Iterable[Self]) -> Self:
        whole = cls(EVERYBODY)
        for one in teams:
            whole.people += one.people
            whole.carried += one.carried
            whole.rows += one.rows
            whole.noted += one.noted
        return whole

    def models(self) -> list[tuple[str, int]]:
        # A gateway tells the sum of an account first and its models later (`noted`), so unnamed use is split by them.
        used = Counter[str]()
        for kind, inward, model, amount in self.rows:
            if kind in (Kind.USE, Kind.VOID) and inward:
                used[model] += amount if kind == Kind.USE else -amount
        for model, amount in used.most_common():  # what was voided beyond what has no name
            part = max(0, min(amount, -used[""]))
            used[model] -= part
            used[""] += part
        unnamed = used.pop("", 0)
        for model, amount in (self.noted - used).most_common():
            part = min(amount, unnamed)
            used[model] += part
            unnamed -= part
        if unnamed:
            used[OTHER] += unnamed
        return sorted((model, amount) for model, amount in used.items() if amount)


def _teams(session: Session, period: Period) -> list[_Team]:
    # Two spellings are one team, as in the policy.
    current, found = versions.current(session), dict[str, _Team]()

    def team(name: str) -> _Team:
        spelt = current[1].spelt(name) if current else name
        return found.setdefault(document.fold(name), _Team(spelt))

    here = select(Member.team, func.count()).where(col(Member.left_at).is_(None)).group_by(col(Member.team))
    for name, people in session.exec(here.order_by(col(Member.team))).all():
        team(name).people += people
    span = {"start": period.starts_at, "end": period.ends_at, "opening": f"period:{period.id}"}
    for one in _PERIOD.all(session, period=period.id, **span):
        team(one.team).carried += one.carried
        team(one.team).rows.append((one.kind, one.inward, one.model, one.amount))
    for name, model, amount in session.exec(_noted(period, current[1].zone if current else UTC)).all():
        team(name).noted[model] += int(amount)
    return [found[key] for key in sorted(found)]


def _noted(period: Period, zone: tzinfo) -> Any:
    first, end = (at.astimezone(zone).date() for at in (period.starts_at, period.ends_at))
    return (
        select(Member.team, Usage.model, func.sum(col(Usage.amount)))
        .join(Member, col(Member.id) == Usage.member_id)
        .where(Usage.day >= first, Usage.day < end)
        .group_by(col(Member.team), col(Usage.model))
    )


class _Moved(NamedTuple):
    team: str
    kind: str
    inward: bool
    model: str
    amount: int
    carried: int


# What a close posted belongs to the period that its row names; everything else to the period of its time.
_PERIOD = Statement(
    "SELECT m.team, t.kind, CASE WHEN e.amount > 0 THEN 1 ELSE 0 END AS inward, "
    "CASE WHEN t.kind = 'use' THEN t.reason ELSE '' END AS model, SUM(ABS(e.amount)) AS amount, "
    # An opening gives the allocation on top of what was left.
    "SUM(CASE WHEN t.kind = 'allocate' AND t.cause = :opening THEN e.balance_after - e.amount ELSE 0 END) AS carried "
    "FROM entry e JOIN transfer t ON t.id = e.transfer_id JOIN member m ON m.id = e.member_id "
    "WHERE t.period_id = :period OR (t.period_id IS NULL AND t.at >= :start AND t.at < :end) GROUP BY 1, 2, 3, 4",
    row=_Moved,
)


def _figures(rows: list[_Row]) -> dict[str, int]:
    def moved(kind: Kind, *, inward: bool) -> int:
        return sum(amount for one, way, _, amount in rows if one == kind and way == inward)

    return {
        "allocation": moved(Kind.ALLOCATE, inward=True) - moved(Kind.CUT, inward=False),
        "used": moved(Kind.USE, inward=True) - moved(Kind.VOID, inward=True),
        "lent": moved(Kind.LEND, inward=False),
        "borrowed": moved(Kind.LEND, inward=True),
        "granted": moved(Kind.GRANT, inward=True) - moved(Kind.REVOKE, inward=False),
        "expired": moved(Kind.EXPIRE, inward=False),
        "fallback": moved(Kind.FALLBACK, inward=True) - moved(Kind.FALLBACK, inward=False),
        "given": moved(Kind.GIVE, inward=False),
    }


def _foreseen(line: Line, period: Period, now: datetime) -> Line:
    return replace(line, forecast=foreseen(line.used, period, now))


def foreseen(so_far: int, period: Period, now: datetime) -> int:
    """What it will be at the end of the period, at the pace so far."""
    gone, whole = now - period.starts_at, period.ends_at - period.starts_at
    if period.state == PeriodState.CLOSED or not timedelta() < gone < whole:
        return so_far
    seconds = max(int(gone.total_seconds()), 24 * 60 * 60)  # the first hours say nothing of a month
    return max(so_far, rounded(so_far * int(whole.total_seconds()) // seconds))
