"""A member's quota at one moment: balances, base, and use in the current period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlmodel import Session

from models.db import Statement, moment
from models.policy.calendar import Span
from models.quota.wallet import HELD, Wallet
from models.refusal import NoPolicyYet


@dataclass(frozen=True)
class QuotaStatus:
    """How somebody stands in the open or turning period: what they have, what policy gives, what they used of it.

    `since`: from when on policy gives them something in it.
    """

    member_id: int
    period_id: int
    span: Span
    has: Wallet
    base: int
    used: int
    since: datetime | None

    @classmethod
    def of(cls, session: Session, member_id: int) -> Self:
        """Raises `NoPolicyYet`."""
        return cls.of_two(session, member_id, member_id)[0]

    @classmethod
    def of_two(cls, session: Session, one: int, other: int) -> tuple[Self, Self]:
        """Both of them at one moment. Raises `NoPolicyYet`."""
        found = {row[0]: cls._read(*row) for row in _STATUS.all(session, one=one, other=other)}
        if not found:
            raise NoPolicyYet
        return found[one], found[other]

    @classmethod
    def _read(
        cls, member_id: int, period_id: int, start: Any, end: Any,
        base: int | None, used_before: int | None, since: Any, *held: int,
    ) -> Self:  # fmt: skip
        has, span = Wallet(*map(int, held)), Span(moment(start), moment(end))
        used = has.used - (used_before or 0)
        return cls(member_id, period_id, span, has, base or 0, used, moment(since) if since else None)


_STATUS = Statement(
    f"SELECT m.id, p.id, p.starts_at, p.ends_at, w.base, w.used_before, w.since, {HELD} FROM member m "
    "JOIN period p ON p.state <> 'closed' LEFT JOIN allowance w ON w.member_id = m.id AND w.period_id = p.id "
    "LEFT JOIN account a ON a.member_id = m.id WHERE m.id IN (:one, :other) GROUP BY m.id, p.id, w.member_id, w.period_id"
)
