"""End everything of a member who leaves: loans both ways, quota, requests, asks and delegations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind, account_of, organisation
from models.ledger.overdraft import clear_overdraft, fill_overdraft
from models.ledger.transfer import Cause, Kind, Transfer, transfer
from models.people.authority import What, record_authority
from models.people.member import Member, lock_members
from models.policy import versions
from models.policy.calendar import pro_rata
from models.quota.allocation import allowance_of
from models.quota.ask import Ask
from models.quota.delegation import Delegation, end_delegation
from models.quota.grant import end_grant
from models.quota.loan import Loan, close_settled, loans_of
from models.quota.loan_sums import Sums
from models.quota.period import Period, PeriodState
from models.quota.pool import pool_for
from models.quota.request import open_request
from models.quota.search import Search


@dataclass(frozen=True)
class ClosedLoan:
    """`lent`: the leaver was the lender. `back`: unspent quota that went back to the lender.

    `settled`: debt paid for a leaving borrower, or written off by a leaving lender.
    """

    other_id: int
    lent: bool
    back: int
    settled: int


@dataclass(frozen=True)
class EndedDelegation:
    """`from_leaver`: the leaver had handed their approvals over; else they were the other's delegate."""

    other_id: int
    from_leaver: bool


@dataclass(frozen=True)
class Leaving:
    """What a leaving ended for others, who are told."""

    loans: tuple[ClosedLoan, ...] = ()
    delegations: tuple[EndedDelegation, ...] = ()


def leave(session: Session, member: Member, now: datetime, actor: str = "admin") -> Leaving:
    """Close everything of a member in one transaction. Does nothing when they have left already."""
    if not member.active:
        return Leaving()
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
    delegations = _end_asking(session, member, cause)
    member.left_at = now
    session.add(member)
    record_authority(session, What.LEFT, member.id, "here", "away", at=now, actor=actor)
    clear_overdraft(session, member.id, cause)
    return Leaving(tuple(_closed(loan, sums, member) for loan, sums in loans if sums.open), delegations)


def _closed(loan: Loan, sums: Sums, leaver: Member) -> ClosedLoan:
    lent = loan.lender_id == leaver.id
    return ClosedLoan(loan.borrower_id if lent else loan.lender_id, lent, sums.unspent, sums.owed)


def come_back(session: Session, member: Member, now: datetime) -> int | None:
    """Give a member who left in this period their own quota back: at most base × days left.

    Returns how much; None when they did not leave in this period, and while it closes.
    """
    period, current = Period.held(session), versions.current(session)
    if period is None or period.state != PeriodState.OPEN or current is None:
        return None
    if allowance_of(session, member.id, period.id) is None:
        return None
    own = account_of(session, AccountKind.ALLOCATION, member.id, now)
    taken = session.exec(_TAKEN.where(Transfer.source_id == own, Transfer.at >= period.starts_at)).first()
    cause = Cause(now, "policy", f"back:{taken.id if taken else 0}:{member.id}", policy=current[0])
    if taken is None or session.exec(select(Transfer.id).where(Transfer.cause == cause.key)).first():
        return 0
    policy = current[1]
    base = policy.base_for(member.columns()).amount
    part = pro_rata(base, period.span, policy.zone, now, policy.unit)
    amount = min(taken.amount, part)
    if amount:
        issued = organisation(session, AccountKind.ISSUED, now)
        transfer(session, Kind.ALLOCATE, amount, source=issued, target=own, cause=cause)
        fill_overdraft(session, member.id, cause)
    return amount


# A close posts what expires under the period that it closes; a leaving names none.
_TAKEN = (
    select(Transfer)
    .where(Transfer.kind == Kind.EXPIRE, col(Transfer.period_id).is_(None))
    .order_by(col(Transfer.id).desc())
    .limit(1)
)


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
    # The leaver's team pays the lender; the organisation pays what the team's pool lacks.
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
    # After the loans: what came back from borrowers expires, too.
    fill_overdraft(session, member.id, cause)
    # Postings changed balances without the session's objects.
    session.expire_all()
    for account in session.exec(
        select(Account).where(Account.member_id == member.id, Account.balance != 0)
    ).all():
        if account.kind == AccountKind.ALLOCATION:
            expired = organisation(session, AccountKind.EXPIRED, cause.at)
            transfer(session, Kind.EXPIRE, account.balance, source=account.id, target=expired, cause=cause)
        elif account.kind == AccountKind.TOP_UP:
            end_grant(session, account, cause)


def _end_asking(session: Session, member: Member, cause: Cause) -> tuple[EndedDelegation, ...]:
    request = open_request(session, member.id)
    if request is not None:
        request.void(session, cause)
    Ask.expire_all_of(session, member.id, cause.at)
    Search.end_all_of(session, member, cause.at)
    ended = []
    for delegation in session.exec(
        select(Delegation).where((Delegation.from_id == member.id) | (Delegation.to_id == member.id))
    ).all():
        given = delegation.from_id == member.id
        if delegation.until_at > cause.at:
            ended.append(EndedDelegation(delegation.to_id if given else delegation.from_id, given))
        end_delegation(session, delegation, cause.at, cause.actor)
    return tuple(dict.fromkeys(ended))
