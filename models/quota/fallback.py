"""The fallback: when own quota is used up, the organisation pays for some models, up to an amount a period.

What is spent there becomes overdraft like any spend beyond the quota, and is paid at once by a transfer of its own kind. So the
next quota is whole, and `fallback` of the member's allowance is the sum of these transfers in the period.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlmodel import Session, col, select, update

from models.ledger.account import AccountKind, account_of, organisation
from models.ledger.transfer import Cause, Kind, transfer
from models.policy.document import Policy
from models.quota.allocation import Allowance
from models.quota.period import Period, PeriodState


class Given(NamedTuple):
    """What policy gives a member in this period, and what of the fallback was spent (stored units)."""

    base: int
    spent: int

    def left(self, policy: Policy, available: int) -> int | None:
        """What of the fallback is left to somebody with so much of their own; None while it does not apply.

        Spend beyond own quota that was no fallback takes from it, too: nobody gets further beyond than `amount`.
        Whom the policy gives nothing falls to nothing.
        """
        if policy.fallback is None or available > 0 or self.base <= 0:
            return None
        return max(0, policy.fallback.amount - self.spent + available)


def given_to(session: Session, members: Collection[int]) -> dict[int, Given]:
    """By member, in the open or turning period."""
    query = select(Allowance.member_id, Allowance.base, Allowance.fallback)
    query = query.join(Period).where(
        Period.state != PeriodState.CLOSED, col(Allowance.member_id).in_(members)
    )
    return {member: Given(base, spent) for member, base, spent in session.exec(query).all()}


def pay(session: Session, member_id: int, beyond: int, policy: Policy, cause: Cause) -> int:
    """Pay `beyond`, spent on the fallback's models beyond own quota, as far as its amount goes. Returns how much."""
    if policy.fallback is None or beyond <= 0:
        return 0
    period = Period.current(session).id
    spent = given_to(session, {member_id}).get(member_id, Given(0, policy.fallback.amount)).spent
    part = min(beyond, policy.fallback.amount - spent)
    if part <= 0:
        return 0
    issued, overdraft = _ends(session, member_id, cause)
    transfer(session, Kind.FALLBACK, part, source=issued, target=overdraft, cause=cause)
    _note(session, member_id, period, part)
    return part


def take_back(session: Session, member_id: int, amount: int, cause: Cause) -> None:
    """Up to `amount` of what was paid in this period goes back, because it was never spent."""
    spent = given_to(session, {member_id}).get(member_id, Given(0, 0)).spent
    if (part := min(amount, spent)) <= 0:
        return
    issued, overdraft = _ends(session, member_id, cause)
    transfer(session, Kind.FALLBACK, part, source=overdraft, target=issued, cause=cause)
    _note(session, member_id, Period.current(session).id, -part)


def _ends(session: Session, member_id: int, cause: Cause) -> tuple[int, int]:
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    return issued, account_of(session, AccountKind.OVERDRAFT, member_id, cause.at)


def _note(session: Session, member_id: int, period: int, paid: int) -> None:
    theirs = (col(Allowance.member_id) == member_id, col(Allowance.period_id) == period)
    note = update(Allowance).where(*theirs).values(fallback=Allowance.fallback + paid)
    session.execute(note.execution_options(synchronize_session=False))
