"""`give 500 to team`: own unspent allocation for the team's pool, or for the organisation. It does not come back."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from models.ledger.account import AccountKind, account_of, organisation
from models.ledger.transfer import Cause, Kind, transfer
from models.people.member import Member
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.pool import pool_for
from models.quota.wallet import wallet_of
from models.refusal import InsufficientQuota


class Gift(NamedTuple):
    """`team`: whose pool it is for; None for the organisation. `pool`: what that pool holds then. `left`: what the giver has."""

    amount: int
    team: str | None
    pool: int
    left: int


def may_give(session: Session, member: Member, amount: int | None, policy: Policy) -> Gift:
    """What would be given (None: the whole allocation). Raises `InsufficientQuota`."""
    period = Period.current(session)
    has = wallet_of(session, member.id)
    wanted = has.allocation if amount is None else amount
    if not 0 < wanted <= has.allocation:
        raise InsufficientQuota(wanted, has.allocation)
    pool = pool_for(session, member, policy, period.id)
    held = pool.balance if pool else 0
    return Gift(wanted, pool.team if pool else None, held + wanted, has.available - wanted)


def give(session: Session, member: Member, amount: int | None, policy: Policy, cause: Cause) -> Gift:
    """Raises `InsufficientQuota`, and then nothing moved."""
    period, _ = Period.hold(session, [member.id])
    gift = may_give(session, member, amount, policy)
    pool = pool_for(session, member, policy, period.id)
    target = pool.id if pool else organisation(session, AccountKind.ISSUED, cause.at)
    source = account_of(session, AccountKind.ALLOCATION, member.id, cause.at)
    posted = transfer(session, Kind.GIVE, gift.amount, source=source, target=target, cause=cause)
    if pool is not None:
        session.expire(pool)
    return gift._replace(pool=posted.target_balance if pool else 0)
