"""What a member has: available, lendable, entitlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from models.ledger.amount import share_up
from models.statement import Statement

if TYPE_CHECKING:  # a command reads a wallet without SQLAlchemy and the schema of the policy
    from sqlmodel import Session

    from models.policy.document import Policy


@dataclass(frozen=True)
class Wallet:
    allocation: int = 0
    top_ups: int = 0
    borrowed: int = 0
    overdraft: int = 0
    used: int = 0
    asked: int = 0
    """The part of `borrowed` that the member asked for."""

    @property
    def available(self) -> int:
        return self.allocation + self.top_ups + self.borrowed + self.overdraft

    @property
    def entitlement(self) -> int:
        """The limit that a gateway enforces: everything received, less everything that left other than by use."""
        return self.available + self.used

    def lendable(self, policy: Policy, base: int) -> int:
        """The allocation less the share that must stay; 0 while the member holds unspent quota they asked for."""
        if self.asked:
            return 0
        return max(0, self.allocation - share_up(base, policy.lending.keep_share))


HELD = ", ".join(
    f"COALESCE(SUM(a.balance) FILTER (WHERE a.kind = '{kind}'), 0)"
    for kind in ("allocation", "top_up", "loan", "overdraft", "used")
) + (
    ", COALESCE(SUM(a.balance) FILTER (WHERE a.kind = 'loan' AND a.balance > 0 "
    "AND EXISTS (SELECT 1 FROM loan l WHERE l.account_id = a.id AND l.asked)), 0)"
)
"""SQL: the sums of the accounts `a` of a query, in the order of `Wallet`."""


def wallet_of(session: Session, member_id: int) -> Wallet:
    session.flush()
    return _WALLET.one(session, member=member_id)


_WALLET = Statement(f"SELECT {HELD} FROM account a WHERE a.member_id = :member", row=Wallet)


_BURNT = Statement(
    "SELECT COALESCE(SUM(e.amount), 0) FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'used' "
    "WHERE e.member_id = :member AND e.at >= :since AND e.at <= :until",
    row=int,
)


def burnt(session: Session, member_id: int, since: datetime, until: datetime) -> int:
    """Spend between two moments (stored units)."""
    session.flush()
    return _BURNT.one(session, member=member_id, since=since, until=until)
