"""What of a member's own quota will expire when the period ends, at their pace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind
from models.ledger.amount import share
from models.metering.outlook import DAY, outlook
from models.people.member import Member
from models.policy.document import Policy
from models.quota.allocation import Allowance
from models.quota.period import Period
from models.quota.status import QuotaStatus

MUCH = Decimal("0.25")
"""Of the base: who loses less hears nothing."""


class Unused(NamedTuple):
    """`expires`: what is left at the end and does not carry over. `kept`: what does."""

    expires: int
    kept: int


def unused(session: Session, member_id: int, policy: Policy, now: datetime) -> Unused:
    """Nothing where it is less than anybody needs to hear of."""
    status = QuotaStatus.of(session, member_id)
    view = outlook(session, status, now)
    left = status.has.allocation - view.pace * int(view.left.total_seconds()) // DAY
    kept = share(max(left, 0), policy.carry_over.share)
    kept = kept if policy.carry_over.cap is None else min(kept, policy.carry_over.cap)
    expires = left - kept
    if expires < max(policy.least_loan, share(status.base, MUCH)):
        return Unused(0, kept)
    return Unused(expires, kept)


def with_much_left(session: Session, period: Period, after: int, limit: int) -> Sequence[Member]:
    """Members beyond this id with at least a quarter of their base unspent, in the order of ids."""
    query = (
        select(Member)
        .join(Account, (col(Account.member_id) == Member.id) & (col(Account.kind) == AccountKind.ALLOCATION))
        .join(Allowance, (col(Allowance.member_id) == Member.id) & (col(Allowance.period_id) == period.id))
        .where(col(Member.left_at).is_(None), Member.id > after, Account.balance * 4 >= Allowance.base)
        .where(Account.balance > 0)
    )
    return session.exec(query.order_by(col(Member.id)).limit(limit)).all()
