"""What a member has: available, lendable, entitlement; and the overdraft that is filled at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, text
from sqlmodel import Session, col

from models.amount import share_up
from models.base import stored_time
from models.ledger import Account, AccountKind, Cause, Kind, account_of, organisation, transfer
from models.policy import Policy


@dataclass(frozen=True)
class Wallet:
    """A member's balances at one moment, in stored units."""

    allocation: int = 0
    top_ups: int = 0
    borrowed: int = 0
    overdraft: int = 0
    used: int = 0

    @property
    def available(self) -> int:
        return self.allocation + self.top_ups + self.borrowed + self.overdraft

    @property
    def entitlement(self) -> int:
        """What came in from others minus what went out to others, other than by use: what a gateway enforces."""
        return self.available + self.used

    def lendable(self, policy: Policy, base: int) -> int:
        """Own allocation less what must stay; nothing while borrowed quota is unspent. What stays rounds up."""
        if self.borrowed:
            return 0
        return max(0, self.allocation - share_up(base, policy.lending.keep_share))


HELD = tuple(
    func.coalesce(func.sum(col(Account.balance)).filter(col(Account.kind) == kind), 0)
    for kind in (
        AccountKind.ALLOCATION,
        AccountKind.TOP_UP,
        AccountKind.LOAN,
        AccountKind.OVERDRAFT,
        AccountKind.USED,
    )
)
"""What the accounts of a query hold, in the order of `Wallet`."""
_WALLET = select(*HELD).where(col(Account.member_id) == bindparam("member"))


def wallet_of(session: Session, member_id: int) -> Wallet:
    return Wallet(*map(int, session.connection().execute(_WALLET, {"member": member_id}).one()))


def fill_overdraft(session: Session, member_id: int, cause: Cause) -> int:
    """Put own quota into the hole it left, at once, and return how much: nobody has an overdraft beside own quota.

    Taken from the allocation, then from top-ups by earliest end; never from a loan.
    """
    rows = session.connection().execute(_OWN, {"member": member_id}).all()
    hole = -sum(row.balance for row in rows if row.kind == AccountKind.OVERDRAFT)
    filled = 0
    for row in rows:
        part = min(hole - filled, row.balance)
        if row.kind == AccountKind.OVERDRAFT or part <= 0:
            continue
        overdraft = account_of(session, AccountKind.OVERDRAFT, member_id, cause.at)
        transfer(session, Kind.FILL, part, source=row.id, target=overdraft, cause=cause)
        filled += part
    return filled


def clear_overdraft(session: Session, member_id: int, cause: Cause) -> None:
    """What somebody who has left spent beyond their quota is the organisation's, also when it is metered later."""
    hole = -wallet_of(session, member_id).overdraft
    if hole:
        issued = organisation(session, AccountKind.ISSUED, cause.at)
        overdraft = account_of(session, AccountKind.OVERDRAFT, member_id, cause.at)
        transfer(session, Kind.FILL, hole, source=issued, target=overdraft, cause=cause)


_OWN = text(
    "SELECT id, kind, balance FROM account WHERE member_id = :member AND kind IN ('allocation', 'top_up', 'overdraft') "
    "AND balance <> 0 ORDER BY CASE kind WHEN 'allocation' THEN 0 ELSE 1 END, ends_at, id"
)

_BURNT = text(
    "SELECT COALESCE(SUM(e.amount), 0) FROM entry e JOIN account a ON a.id = e.account_id AND a.kind = 'used' "
    "WHERE e.member_id = :member AND e.at >= :since AND e.at <= :until"
)


def burnt(session: Session, member_id: int, since: datetime, until: datetime) -> int:
    """What a member spent between two moments."""
    words = {"member": member_id, "since": stored_time(session, since), "until": stored_time(session, until)}
    return int(session.connection().execute(_BURNT, words).scalar_one())
