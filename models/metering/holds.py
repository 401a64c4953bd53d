"""Lowering before raising, until it is done: a limit is not raised by quota that can still be spent on the other side.

Nothing is remembered for this: the last readings and the writes under way say what can still be spent, so it holds over
rounds, restarts and replicas.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from models.metering.gateway_account import GatewayAccount, accounts_of_members
from models.metering.limits import GatewayTraits, limits_of
from models.metering.reading import Rate
from models.quota.loan import loans_of
from models.quota.period import Period


@dataclass(frozen=True)
class Hold:
    """So much (micro-USD) waits until the limit of `member` is lowered."""

    member: int
    amount: int


def holds_on(session: Session, member_id: int, rate: Rate, traits: GatewayTraits) -> list[Hold]:
    """What of a member's quota came from colleagues whose limits are not lowered yet."""
    came = _came_from(session, member_id)
    accounts = [one for one in accounts_of_members(session, came) if not one.differs]
    above: dict[int, int | None] = {}
    for limit in limits_of(session, accounts, rate, traits):
        most, owner = _most(limit.account), limit.account.member_id
        over = None if most is None else most - limit.wanted
        known = above.get(owner, 0)
        above[owner] = None if over is None or known is None else max(over, known)
    found = []
    for owner, over in above.items():
        amount = rate.enforced(came[owner])
        held = amount if over is None else min(over, amount)
        if held > 0:
            found.append(Hold(owner, held))
    return found


def _most(account: GatewayAccount) -> int | None:
    """The most that may stand at the gateway, as far as is known; None: no limit."""
    stands = [account.total, *account.meant]
    known = [one for one in stands if one is not None]
    return max(known) if len(known) == len(stands) else None


def _came_from(session: Session, member_id: int) -> dict[int, int]:
    """Colleague → what came from them by loans, returns and repayments of this period, in stored units."""
    found: dict[int, int] = {}
    since = Period.current(session).starts_at
    for loan, sums in loans_of(session, member_id, closed=True):
        if loan.closed_at is not None and loan.closed_at < since:
            continue
        lent = loan.lender_id == member_id
        other = loan.borrower_id if lent else loan.lender_id
        found[other] = found.get(other, 0) + (sums.returned + sums.repaid if lent else sums.principal)
    return {other: amount for other, amount in found.items() if amount}


def release_holds(session: Session, member_id: int) -> None:
    """This member's limit was lowered: compare the limits of those who may have waited for that."""
    for loan, _ in loans_of(session, member_id, closed=True):
        GatewayAccount.mark_due(session, loan.borrower_id if loan.lender_id == member_id else loan.lender_id)
