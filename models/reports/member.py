"""One member's amounts, loans and requests as plain data: `show --json`.

Statements only, and no table: the command line loads neither SQLAlchemy nor the schema of the policy for it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from models.ledger.amount import plain
from models.metering.reading import Rate
from models.policy.heading import Heading, heading_of
from models.quota.loan_sums import NAMES, SUMS, Sums
from models.quota.wallet import wallet_of
from models.statement import SqlFile, Statement


class Named(Protocol):
    """A member, or what `find` found of one."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...


def find(session: Any, email: str) -> Named | None:
    """The member with this e-mail, also after leaving."""
    return _MEMBER.first(session, email=email.strip().lower())


def overview(session: Any, member: Named) -> dict[str, Any]:
    """Amounts are plain decimal strings, times carry the policy's zone, `end` is exclusive. `fallback`: what of `used` the
    organisation paid beyond own quota.
    """
    session.flush()
    text, period = _POLICY.first(session), _PERIOD.first(session, member=member.id)
    view = _View(heading_of(text) if text else None)
    has, loans = wallet_of(session, member.id), [_Loan(*row) for row in _LOANS.all(session, member=member.id)]
    given = [loan.sums for loan in loans if loan.lender_id == member.id]
    taken = [loan.sums for loan in loans if loan.lender_id != member.id]
    amounts = {
        "base": (period.base or 0) if period else 0,
        "available": has.available,
        "allocation": has.allocation,
        "top_ups": has.top_ups,
        "borrowed": has.borrowed,
        "overdraft": has.overdraft,
        "lent": sum(sums.open for sums in given),
        "owed": sum(sums.owed for sums in taken),
        "owed_to_me": sum(sums.owed for sums in given),
        "used": has.used - ((period.used_before or 0) if period else 0),
        "used_total": has.used,
        "entitlement": has.entitlement,
        "fallback": (period.fallback or 0) if period else 0,
    }
    return {
        "email": member.email,
        "name": member.name,
        "unit": view.heading.unit.value if view.heading else None,
        **{name: view.amount(amount) for name, amount in amounts.items()},
        "limit": view.limit(_LIMIT.one(session, member=member.id)),
        "period": {"start": view.time(period.starts_at), "end": view.time(period.ends_at)}
        if period
        else None,
        "loans": [view.loan(one, member.id) for one in loans],
        "requests": [view.request(one) for one in _REQUESTS.all(session, member=member.id)],
    }


class _Member(NamedTuple):
    id: int
    email: str
    name: str


class _Period(NamedTuple):
    starts_at: datetime
    ends_at: datetime
    base: int | None
    used_before: int | None
    fallback: int | None


class _LoanRow(NamedTuple):
    id: int
    lender_id: int
    other: str
    period: datetime
    principal: int
    returned: int
    used: int
    repaid: int
    forgiven: int


class _Loan:
    def __init__(self, *row: Any) -> None:
        self.id, self.lender_id, self.other, self.period, *sums = row
        self.sums = Sums(*sums)


class _Limit(NamedTuple):
    """`known`: accounts with a limit, of `accounts`; `total`: micro-USD; `per_usd`: the rate in use, where spend was booked."""

    accounts: int
    known: int
    total: int | None
    per_usd: str | None


class _Request(NamedTuple):
    code: str
    amount: int
    granted: int
    reason: str
    state: str
    asked_at: datetime
    approvers: list[str] | None
    decided_by: str | None
    answer: str
    decided_at: datetime | None
    until: date | None


_SQL = SqlFile("models.reports", "member.sql")
_MEMBER = Statement(_SQL.text("member"), row=_Member)
_POLICY = Statement(_SQL.text("policy"), row=str)
_PERIOD = Statement(_SQL.text("period"), row=_Period)
_LOANS = Statement(_SQL.text("loans", sums=SUMS), row=_LoanRow)
_LIMIT = Statement(_SQL.text("limit"), row=_Limit)
_REQUESTS = Statement(_SQL.text("requests"), row=_Request)


class _View:
    def __init__(self, heading: Heading | None) -> None:
        self.heading, self.zone = heading, heading.zone if heading else ZoneInfo("UTC")

    def amount(self, stored: int) -> str:
        return plain(stored, self.heading.unit) if self.heading else str(stored)

    def time(self, at: datetime | None) -> str | None:
        return at.astimezone(self.zone).isoformat() if at else None

    def limit(self, found: _Limit) -> str | None:
        """The limit last read at the gateway, as booked quota; None without a limit."""
        if self.heading is None or not found.accounts or found.known < found.accounts:
            return None
        per_usd = Decimal(found.per_usd) if found.per_usd is not None else self.heading.per_usd
        return self.amount(Rate.of(self.heading.unit, per_usd).booked(found.total or 0))

    def loan(self, loan: _Loan, member_id: int) -> dict[str, Any]:
        return {
            "id": loan.id,
            "role": "lender" if loan.lender_id == member_id else "borrower",
            "with": loan.other,
            **{name: self.amount(getattr(loan.sums, name)) for name in NAMES},
            "period": self.time(loan.period),
        }

    def request(self, one: _Request) -> dict[str, Any]:
        return {
            "code": one.code,
            "amount": self.amount(one.amount),
            "granted": self.amount(one.granted),
            "reason": one.reason,
            "state": one.state,
            "asked": self.time(one.asked_at),
            "approvers": one.approvers or [],
            "decided_by": one.decided_by or ("policy" if one.answer == "policy" else None),
            "decided_at": self.time(one.decided_at),
            "until": one.until.isoformat() if one.until else None,
        }
