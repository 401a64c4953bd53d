"""The effect of an opening on one member: why the period begins with more or less than the base."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile, groupby
from typing import NamedTuple, Self

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.ledger.account import AccountKind
from models.ledger.transfer import Kind
from models.people.member import Member
from models.quota.period import Period
from models.statement import Statement


@dataclass(frozen=True)
class Opening:
    """Stored units. `carried` was left of the period before; `filled` went into an overdraft, `repaid` to lenders;
    `returned` came from borrowers who repaid.
    """

    given: int
    carried: int = 0
    filled: int = 0
    repaid: int = 0
    returned: int = 0

    @property
    def plain(self) -> bool:
        return not (self.carried or self.filled or self.repaid or self.returned)

    @classmethod
    def of(cls, entries: Iterable[tuple[str, int, int]]) -> Self | None:
        """From (kind, amount, balance after) of the allocation, in the order in which the opening posted them.

        None where no opening gave an allocation: for a joiner, and in the first period.
        """
        # A close posts the allocation first, then what it filled and repaid.
        moved = list(dropwhile(lambda one: one[0] != Kind.ALLOCATE, entries))
        if not moved:
            return None
        (_, given, balance), sums, returned = moved[0], dict.fromkeys((Kind.FILL, Kind.REPAY), 0), 0
        for kind, amount, _ in moved[1:]:
            if kind == Kind.REPAY and amount > 0:
                returned += amount
            elif kind in sums:
                sums[Kind(kind)] -= amount
        return cls(given, balance - given, sums[Kind.FILL], sums[Kind.REPAY], returned)


class Touch(NamedTuple):
    """One movement of a close or an opening on one account of a member; below zero it went out.

    `lender_id`, `borrower_id`: of its loan.
    """

    member_id: int
    kind: str
    account: str
    amount: int
    balance_after: int
    lender_id: int | None
    borrower_id: int | None
    account_id: int


@dataclass(frozen=True)
class Turned:
    """The effect on one member of the close before a period and of its opening, in order."""

    member_id: int
    touches: tuple[Touch, ...]

    @property
    def plain(self) -> bool:
        """The rest expired or was carried over, and the base was given: nothing else."""
        return not any(one.kind in _NEWS or one.account == AccountKind.TOP_UP for one in self.touches)

    def begins_with(self) -> int | None:
        """The allocation after the opening; None where nothing touched it."""
        own = [one.balance_after for one in self.touches if one.account == AccountKind.ALLOCATION]
        return own[-1] if own else None

    def still_over(self) -> int:
        """The overdraft that the new base did not fill."""
        overdrafts = [one.balance_after for one in self.touches if one.account == AccountKind.OVERDRAFT]
        return -overdrafts[-1] if overdrafts else 0

    def given(self) -> int:
        return sum(one.amount for one in self.touches if one.kind == Kind.ALLOCATE)

    def carried(self) -> int:
        """The rest of the old allocation when the new base came."""
        old = [one.balance_after for one in self.closing().touches if one.account == AccountKind.ALLOCATION]
        first = next((one for one in self.touches if one.kind == Kind.ALLOCATE), None)
        return first.balance_after - first.amount if first else (old[-1] if old else 0)

    def closing(self) -> Turned:
        """The part before the new period gave anything."""
        return Turned(self.member_id, self.touches[: self._opens_at])

    def opening(self) -> Turned:
        return Turned(self.member_id, self.touches[self._opens_at :])

    @property
    def _opens_at(self) -> int:
        new = (number for number, one in enumerate(self.touches) if one.kind in (Kind.ALLOCATE, Kind.REPAY))
        return next(new, len(self.touches))

    def sums(self, kind: Kind, account: AccountKind, *, inward: bool) -> dict[int | None, int]:
        """Movements of that kind, by the other party of the loan or by the account of the grant."""
        found: dict[int | None, int] = {}
        for one in self.touches:
            if one.kind == kind and one.account == account and (one.amount > 0) == inward:
                other = one.lender_id if one.borrower_id == self.member_id else one.borrower_id
                key = one.account_id if account == AccountKind.TOP_UP else other
                found[key] = found.get(key, 0) + abs(one.amount)
        return found


_NEWS = (Kind.RETURN, Kind.REPAY, Kind.FILL)


def turned(session: Session, period: Period, after: int, most: int) -> tuple[list[Turned], int | None]:
    """The effects on the next `most` members after that id, and the last id; None: no member is left."""
    members = select(Member.id).where(col(Member.id) > after).order_by(col(Member.id)).limit(most).subquery()
    last: int | None = session.exec(select(func.max(members.c.id))).one()
    if last is None:
        return [], None
    words = {"after": after, "last": last, "since": period.starts_at, "cause": f"period:{period.id}"}
    by_member = groupby(_TOUCHED.all(session, **words), key=lambda one: one.member_id)
    return [Turned(number, tuple(touches)) for number, touches in by_member], last


_TOUCHED = Statement(
    "SELECT e.member_id, t.kind, a.kind, e.amount, e.balance_after, l.lender_id, l.borrower_id, a.id FROM member m "
    "JOIN entry e ON e.member_id = m.id AND e.at >= :since JOIN transfer t ON t.id = e.transfer_id AND t.cause = :cause "
    "JOIN account a ON a.id = e.account_id LEFT JOIN loan l ON l.id = t.loan_id "
    "WHERE m.id > :after AND m.id <= :last ORDER BY m.id, e.id",
    row=Touch,
)
