"""A member's quota at one moment: balances, base, and use in the current period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from sqlmodel import Session

from models.policy.calendar import Span
from models.quota.wallet import HELD, Wallet
from models.refusal import NoPolicyYet
from models.statement import Statement


@dataclass(frozen=True)
class QuotaStatus:
    """A member's balances, base and use in the open or turning period.

    `since`: the time from which policy gives them something in it. `fallback`: the part of `used` beyond own quota that the
    organisation paid. Amounts are in stored units.
    """

    member_id: int
    period_id: int
    span: Span
    has: Wallet
    base: int
    used: int
    since: datetime | None
    fallback: int = 0

    @property
    def own_used(self) -> int:
        return self.used - self.fallback

    @classmethod
    def of(cls, session: Session, member_id: int) -> Self:
        return cls.of_two(session, member_id, member_id)[0]

    @classmethod
    def of_two(cls, session: Session, one: int, other: int) -> tuple[Self, Self]:
        """Two members at the same moment. Raises `NoPolicyYet`."""
        session.flush()
        found = {row.member_id: cls.from_row(row) for row in _STATUS.all(session, one=one, other=other)}
        if not found:
            raise NoPolicyYet
        return found[one], found[other]

    @classmethod
    def from_row(cls, row: StatusRow) -> Self:
        has = Wallet(row.allocation, row.top_ups, row.borrowed, row.overdraft, row.lifetime_use, row.asked)
        used = has.used - (row.used_before or 0)
        span = Span(row.starts_at, row.ends_at)
        return cls(row.member_id, row.period_id, span, has, row.base or 0, used, row.since, row.fallback or 0)


class StatusRow(NamedTuple):
    """The columns `STATUS`, in order."""

    member_id: int
    period_id: int
    starts_at: datetime
    ends_at: datetime
    base: int | None
    used_before: int | None
    since: datetime | None
    fallback: int | None
    allocation: int
    top_ups: int
    borrowed: int
    overdraft: int
    lifetime_use: int
    asked: int


STATUS = f"m.id, p.id, p.starts_at, p.ends_at, w.base, w.used_before, w.since, w.fallback, {HELD}"
HOLDS = "LEFT JOIN allowance w ON w.member_id = m.id AND w.period_id = p.id LEFT JOIN account a ON a.member_id = m.id"
MEMBERS = f"FROM member m JOIN period p ON p.state <> 'closed' {HOLDS}"
GROUPED = "GROUP BY m.id, p.id, w.member_id, w.period_id"
"""SQL: the status of members `m` in the period `p`."""
_STATUS = Statement(f"SELECT {STATUS} {MEMBERS} WHERE m.id IN (:one, :other) {GROUPED}", row=StatusRow)
