"""End everything of a member who leaves: loans both ways, quota, requests, asks and delegations."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from models.ledger.account import Account, AccountKind, account_of, organisation
from models.ledger.overdraft import clear_overdraft, fill_overdraft
from models.ledger.transfer import Cause, Kind, transfer
from models.people.authority import What, record_authority
from models.people.member import Member, lock_members
from models.policy import versions
from models.quota.ask import Ask
from models.quota.delegation import Delegation, end_delegation
from models.quota.grant import end_grant
from models.quota.loan import Loan, close_settled, loans_of
from models.quota.loan_sums import Sums
from models.quota.period import Period, PeriodState
from models.quota.pool import pool_for
from models.quota.request import open_request


def leave(session: Session, member: Member, now: datetime, actor: str = "admin") -> None:
    """Close everything in one transaction; does nothing for a member who has left already."""
    if not member.active:
        return
    cause = Cause(now, actor, f"leave:{member.id}")
    # Alone: a lend or a payment to them at this moment is done before, or finds that they have left.
    session.exec(select(Period.id).where(Period.state != PeriodState.CLOSED).with_for_update()).all()
    loans = loans_of(session, member.id)
    lock_members(
        session, [member.id, *(one for loan, _ in loans for one in (loan.lender_id, loan.borrower_id))]
    )
    for loan, sums in loans:
        _close_loan(session, loan, sums, member, cause)
    close_settled(session, loans, now)
    _empty(session, member, cause)
    _end_asking(session, member, cause)
    member.left_at = now
    session.add(member)
    record_authority(session, What.LEFT, member.id, "here", "away", at=now, actor=actor)
    clear_overdraft(session, member.id, cause)


def _close_loan(session: Session, loan: Loan, sums: Sums, leaver: Member, cause: Cause) -> None:
    lender = account_of(session, AccountKind.ALLOCATION, loan.lender_id, cause.at)
    if sums.unspent:
        transfer(
            session,
            Kind.RETURN,
            sums.unspent,
            source=loan.account_id,
            target=lender,
            cause=cause,
            loan_id=loan.id,
        )
    if sums.owed and loan.borrower_id == leaver.id:
        _pay_debt(session, loan, sums.owed, leaver, lender, cause)
    elif sums.owed:
        loan.write_off(session, sums.owed, cause)
    if loan.lender_id != leaver.id:
        fill_overdraft(session, loan.lender_id, cause)


def _pay_debt(session: Session, loan: Loan, owed: int, leaver: Member, lender: int, cause: Cause) -> None:
    """The leaver's team pays the lender; the organisation pays what the team's pool lacks."""
    current, period = versions.current(session), Period.latest(session)
    pool = pool_for(session, leaver, current[1], period.id) if current and period else None
    if pool is not None:
        session.refresh(pool)  # an earlier debt may have been paid from it just now
    from_pool = min(owed, pool.balance) if pool else 0
    if pool and from_pool:
        transfer(session, Kind.REPAY, from_pool, source=pool.id, target=lender, cause=cause, loan_id=loan.id)
    if owed > from_pool:
        issued = organisation(session, AccountKind.ISSUED, cause.at)
        transfer(
            session, Kind.REPAY, owed - from_pool, source=issued, target=lender, cause=cause, loan_id=loan.id
        )


def _empty(session: Session, member: Member, cause: Cause) -> None:
    """The rest expires or goes back to the pool that paid."""
    fill_overdraft(session, member.id, cause)
    session.expire_all()
    for account in session.exec(
        select(Account).where(Account.member_id == member.id, Account.balance != 0)
    ).all():
        if account.kind == AccountKind.ALLOCATION:
            expired = organisation(session, AccountKind.EXPIRED, cause.at)
            transfer(session, Kind.EXPIRE, account.balance, source=account.id, target=expired, cause=cause)
        elif account.kind == AccountKind.TOP_UP:
            end_grant(session, account, cause)


def _end_asking(session: Session, member: Member, cause: Cause) -> None:
    request = open_request(session, member.id)
    if request is not None:
        request.void(session, cause)
    Ask.expire_all_of(session, member.id, cause.at)
    for delegation in session.exec(
        select(Delegation).where((Delegation.from_id == member.id) | (Delegation.to_id == member.id))
    ).all():
        end_delegation(session, delegation, cause.at, cause.actor)
