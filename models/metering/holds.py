"""Lower before raising: a limit is not raised by quota that can still be spent on the other side.

Nothing is stored for this. The last readings and the writes under way say what can still be spent, so the rule holds
over rounds, restarts and replicas.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from models.metering.accounts import accounts_of_members
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.limits import GatewayTraits, limits_of
from models.metering.reading import Rate
from models.quota.loan import loans_of
from models.quota.period import Period


@dataclass(frozen=True)
class Hold:
    """`amount` (micro-USD) waits until the limit of `member` is lowered. `stuck`: a gateway has failed to; else it is
    under way.
    """

    member: int
    amount: int
    stuck: bool


def holds_on(
    session: Session, member_id: int, rate: Rate, traits: GatewayTraits, asked: frozenset[int] = frozenset()
) -> list[Hold]:
    """What a member got from colleagues whose limits are not lowered yet, also through others.

    `asked`: the members on the way here; loans in a circle end there.
    """
    came = {one: amount for one, amount in _came_from(session, member_id).items() if one not in asked}
    found = []
    for owner, (over, stuck) in _above(session, came, rate, traits).items():
        amount = rate.enforced(came[owner])
        if over is None or over >= amount:
            found.append(Hold(owner, amount, stuck))
            continue
        if over > 0:
            found.append(Hold(owner, over, stuck))
        # A limit that stands as it ought may include what its owner was lent and cannot have yet.
        behind = holds_on(session, owner, rate, traits, asked | {member_id})
        found += _at_most(_beyond(behind, -min(over, 0)), amount - max(over, 0))
    return found


def _above(
    session: Session, owners: Collection[int], rate: Rate, traits: GatewayTraits
) -> dict[int, tuple[int | None, bool]]:
    """{member: micro-USD by which the limit is too high, None without a limit; whether a gateway failed to lower it}."""
    driven = GatewayState.driven(session)
    # At a gateway that is only observed nothing is lowered. The others' smallest units are their own: rounding is down.
    observed = {one.name for one in driven if not one.enforced}
    away = {one.name for one in driven if one.problem}
    accounts = [
        one for one in accounts_of_members(session, owners) if not one.differs and one.gateway not in observed
    ]
    traits = replace(traits, holds=lambda total: total) if any(one.gateway for one in accounts) else traits
    found: dict[int, tuple[int | None, bool]] = {}
    for limit in limits_of(session, accounts, rate, traits):
        most, owner = _most(limit.account), limit.account.member_id
        over = None if most is None else most - limit.wanted
        known, stuck = found.get(owner, (over, False))
        stuck = stuck or (over != 0 and bool(limit.account.error or limit.account.gateway in away))
        found[owner] = None if over is None or known is None else max(over, known), stuck
    return found


def _beyond(holds: Sequence[Hold], first: int) -> list[Hold]:
    # The first part is not written at the gateway at all, so nothing has to wait for it.
    found = []
    for one in holds:
        taken = min(first, one.amount)
        first -= taken
        found.append(replace(one, amount=one.amount - taken))
    return [one for one in found if one.amount]


def _at_most(holds: Sequence[Hold], amount: int) -> list[Hold]:
    found = []
    for one in holds:
        found.append(replace(one, amount=min(one.amount, amount)))
        amount -= found[-1].amount
    return [one for one in found if one.amount]


def _most(account: GatewayAccount) -> int | None:
    """The highest limit that may stand at the gateway, as far as known; None: no limit."""
    stands = [account.total, *account.meant]
    known = [one for one in stands if one is not None]
    return max(known) if len(known) == len(stands) else None


def _came_from(session: Session, member_id: int) -> dict[int, int]:
    """{colleague: stored units that came from them} by loans, returns and repayments of this period."""
    return _by_colleague(session, member_id, came=True)


def _went_to(session: Session, member_id: int) -> dict[int, int]:
    """{colleague: stored units that went to them} by loans, returns and repayments of this period."""
    return _by_colleague(session, member_id, came=False)


def _by_colleague(session: Session, member_id: int, *, came: bool) -> dict[int, int]:
    found: dict[int, int] = {}
    period = Period.latest(session)  # a limit may also be written while it turns
    if period is None:
        return found
    since = period.starts_at
    for loan, sums in loans_of(session, member_id, closed=True):
        if loan.closed_at is not None and loan.closed_at < since:
            continue
        lent = loan.lender_id == member_id
        other = loan.borrower_id if lent else loan.lender_id
        found[other] = found.get(other, 0) + (sums.returned + sums.repaid if lent is came else sums.principal)
    return {other: amount for other, amount in found.items() if amount}


def release_holds(session: Session, member_id: int) -> None:
    """After a lowered limit: compare the limits that waited for it, also behind others."""
    seen, waiting = {member_id}, [member_id]
    while waiting:
        found = _went_to(session, waiting.pop()).keys() - seen
        for other in found:
            GatewayAccount.mark_due(session, other)
        waiting += found
        seen |= found
