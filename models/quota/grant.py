"""Grants: what an operator gives or takes, and what a request is granted. Amounts are positive, in the stored unit."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind, open_account, organisation
from models.ledger.overdraft import fill_overdraft
from models.ledger.transfer import Cause, Kind, transfer
from models.people.member import Member, lock_members, require_colleague
from models.policy.calendar import end_of_day
from models.policy.document import Policy, fold
from models.quota.allocation import take_allocation
from models.quota.period import Period
from models.quota.pool import pool_for
from models.quota.wallet import wallet_of
from models.refusal import (
    BadDate,
    InsufficientQuota,
    PoolTooSmall,
)


def give(
    session: Session, member: Member, amount: int, *, until: date | None, policy: Policy, cause: Cause
) -> None:
    """Grant from `issued` till the end of the period, or of the day `until`. Raises `BadDate` for a past day."""
    require_colleague(member)
    period, _ = Period.hold(session, [member.id])
    ends_at = ending(period, until, policy)
    if ends_at <= cause.at and until is not None:
        raise BadDate(until.isoformat())
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    top_up(session, member.id, amount, source=issued, ends_at=ends_at, cause=cause)


def ending(period: Period, until: date | None, policy: Policy) -> datetime:
    return period.ends_at if until is None else end_of_day(until, policy.zone)


def give_team(
    session: Session, team: str, amount: int, *, until: date | None, policy: Policy, cause: Cause
) -> list[Member]:
    """`give` to every member of the team and of the teams below it. Returns them."""
    wanted = fold(team)
    inside = [
        one
        for one in session.exec(select(Member.team).distinct()).all()
        if fold(one) == wanted or any(fold(up.name) == wanted for up in policy.team_chain(one))
    ]
    query = select(Member).where(col(Member.team).in_(inside), col(Member.left_at).is_(None))
    members = list(session.exec(query.order_by(col(Member.id))).all())
    lock_members(session, [member.id for member in members])
    for member in members:
        give(session, member, amount, until=until, policy=policy, cause=cause)
    return members


def take(session: Session, member: Member, amount: int, *, cause: Cause) -> None:
    """Take from the allocation, then from top-ups by earliest end. Raises `InsufficientQuota`; then nothing moved."""
    period, _ = Period.hold(session, [member.id])
    has = wallet_of(session, member.id)
    if amount > has.allocation + has.top_ups:
        raise InsufficientQuota(amount, has.allocation + has.top_ups)
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    left = amount - take_allocation(session, member.id, amount, issued, cause)
    for account in _top_ups(session, member.id):
        part = min(left, account.balance)
        if part:
            _shrink(session, account, part, period, cause)
            left -= part


def _top_ups(session: Session, member_id: int) -> list[Account]:
    query = select(Account).where(
        Account.member_id == member_id, Account.kind == AccountKind.TOP_UP, Account.balance > 0
    )
    return list(session.exec(query.order_by(col(Account.ends_at), col(Account.id))).all())


def _shrink(session: Session, account: Account, amount: int, period: Period, cause: Cause) -> None:
    # Back to the payer: `issued`, or the team's pool while its period is open. A pool of an older period is closed.
    payer = session.get(Account, account.paid_by_id) if account.paid_by_id else None
    if payer is not None and (payer.kind == AccountKind.ISSUED or payer.period_id == period.id):
        target = payer.id
    else:
        target = organisation(session, AccountKind.EXPIRED, cause.at)
    transfer(session, Kind.REVOKE, amount, source=account.id, target=target, cause=cause)


def end_grant(session: Session, account: Account, cause: Cause) -> int:
    """Return the unspent rest to the pool that paid, while its period is open; else the rest expires."""
    payer = session.get(Account, account.paid_by_id) if account.paid_by_id else None
    period = Period.latest(session)
    back = (
        payer is not None
        and payer.kind == AccountKind.POOL
        and period is not None
        and payer.period_id == period.id
    )
    target = payer.id if back and payer else organisation(session, AccountKind.EXPIRED, cause.at)
    # Read anew: postings change the row without the object.
    unspent = session.exec(select(Account.balance).where(Account.id == account.id)).one()
    if unspent:
        transfer(
            session,
            Kind.REVOKE if back else Kind.EXPIRE,
            unspent,
            source=account.id,
            target=target,
            cause=cause,
        )
    return unspent


def grant_from_pool(
    session: Session,
    member: Member,
    amount: int,
    ends_at: datetime,
    *,
    period: Period,
    policy: Policy,
    cause: Cause,
    request_id: int,
) -> None:
    """The team's pool pays, or `issued` where there is none. Raises `PoolTooSmall`."""
    pool = pool_for(session, member, policy, period.id)
    source = pool.id if pool else organisation(session, AccountKind.ISSUED, cause.at)
    try:
        top_up(session, member.id, amount, source=source, ends_at=ends_at, cause=cause, request_id=request_id)
    except InsufficientQuota as no:
        assert pool is not None
        raise PoolTooSmall(pool.team or "", no.available) from no


def top_up(
    session: Session,
    member_id: int,
    amount: int,
    *,
    source: int,
    ends_at: datetime,
    cause: Cause,
    request_id: int | None = None,
) -> int:
    account = open_account(
        session,
        AccountKind.TOP_UP,
        cause.at,
        member_id=member_id,
        request_id=request_id,
        paid_by_id=source,
        ends_at=ends_at,
    )
    transfer(session, Kind.GRANT, amount, source=source, target=account, cause=cause)
    # Nobody keeps an overdraft beside own quota.
    fill_overdraft(session, member_id, cause)
    return account
