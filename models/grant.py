"""What an operator gives or takes by hand. Amounts are positive integers in the stored unit."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from models.base import lock_members
from models.ledger import Account, AccountKind, Cause, Kind, organisation, transfer
from models.member import Member, require_colleague
from models.period import Period, take_allocation
from models.policy import Policy, fold
from models.refusal import BadDate, InsufficientQuota
from models.request import end_of_day, top_up
from models.wallet import wallet_of


def give(
    session: Session, member: Member, amount: int, *, until: date | None, policy: Policy, cause: Cause
) -> None:
    """A top-up from `issued` till the period's end, or the end of that day. Raises `BadDate` for a day that is over."""
    require_colleague(member)
    period = Period.current(session)
    lock_members(session, [member.id])
    ends_at = ending(period, until, policy)
    if ends_at <= cause.at and until is not None:
        raise BadDate(until.isoformat())
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    top_up(session, member.id, amount, source=issued, ends_at=ends_at, cause=cause)


def ending(period: Period, until: date | None, policy: Policy) -> datetime:
    """When a grant ends: with the period, or with its last day."""
    return period.ends_at if until is None else end_of_day(until, policy.zone)


def give_team(
    session: Session, team: str, amount: int, *, until: date | None, policy: Policy, cause: Cause
) -> list[Member]:
    """`give` to everybody who is in the team or in one below it, and return them. Who joins later gets nothing of it."""
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
    """Take from the allocation, then from top-ups by earliest end; or raise `InsufficientQuota` and take nothing."""
    period = Period.current(session)
    lock_members(session, [member.id])
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
    """Back to `issued`, or to the pool that paid while its period is open; else it expires."""
    payer = session.get(Account, account.paid_by_id) if account.paid_by_id else None
    if payer is not None and (payer.kind == AccountKind.ISSUED or payer.period_id == period.id):
        target = payer.id
    else:
        target = organisation(session, AccountKind.EXPIRED, cause.at)
    transfer(session, Kind.REVOKE, amount, source=account.id, target=target, cause=cause)
