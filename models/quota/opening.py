"""What an opening did to one member: why they began the period with more or less than their base."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from models.db import Statement
from models.ledger.transfer import Kind


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


def opening_of(session: Session, member_id: int, period_id: int, starts_at: datetime) -> Opening | None:
    """None where no opening gave an allocation in this period: for a joiner, and in the first period."""
    entries = _ENTRIES.all(session, member=member_id, since=starts_at)
    moved = [row for row in entries if row.period_id == period_id]
    # A close posts the allocation first, then what it filled and repaid.
    # The entries of an opening are one run: the allocation first, then what it filled and repaid.
    first = next((number for number, row in enumerate(moved) if row.kind == Kind.ALLOCATE), None)
    if first is None:
        return None
    given = moved[first]
    sums = dict.fromkeys((Kind.FILL, Kind.REPAY), 0)
    returned = 0
    for row in moved[first + 1 :]:
        if row.kind == Kind.REPAY and row.amount > 0:
            returned += row.amount
        elif row.kind in sums:
            sums[Kind(row.kind)] -= row.amount
    carried = given.balance_after - given.amount
    return Opening(given.amount, carried, sums[Kind.FILL], sums[Kind.REPAY], returned)


class _Entry(NamedTuple):
    kind: str
    amount: int
    balance_after: int
    period_id: int | None


# The opening is among the first entries of a period, so the rest of a busy month is not read.
_ENTRIES = Statement(
    "SELECT t.kind, e.amount, e.balance_after, t.period_id FROM entry e JOIN transfer t ON t.id = e.transfer_id "
    "JOIN account a ON a.id = e.account_id AND a.kind = 'allocation' "
    "WHERE e.member_id = :member AND e.at >= :since ORDER BY e.at, e.id LIMIT 200",
    row=_Entry,
)
