"""Whether somebody may ask to borrow more, and what came of it. A loan that nobody asked for is not counted."""

from __future__ import annotations

from sqlmodel import Session, col, select

from models.ledger.amount import share
from models.people.member import Member
from models.policy.document import Policy
from models.quota.loan import Loan, loans_of
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.refusal import OverdueLoans, TooManyLoans, TooMuchBorrowed


def may_borrow(
    session: Session, status: QuotaStatus, amount: int, policy: Policy, *, lender: Member | None
) -> None:
    """Raise why `amount` more cannot be borrowed from `lender`. Only the borrower may read the reason."""
    me = status.member_id
    taken = [(loan, sums) for loan, sums in loans_of(session, me) if loan.borrower_id == me]
    if any(sums.owed and _openings_since(session, loan) >= 2 for loan, sums in taken):
        raise OverdueLoans
    asked = [(loan, sums) for loan, sums in taken if loan.asked]
    ends = lender.id if lender else None, status.period_id
    # More from the same lender in the same period adds to the loan that is open.
    others = [one for one, sums in asked if sums.open and (one.lender_id, one.period_id) != ends]
    if len(others) >= policy.lending.max_open_as_borrower:
        raise TooManyLoans(policy.lending.max_open_as_borrower)
    left = share(status.base, policy.lending.max_borrowed_share) - sum(sums.open for _, sums in asked)
    if amount > left:
        raise TooMuchBorrowed(amount, max(0, left))


def _openings_since(session: Session, loan: Loan) -> int:
    made = select(Period.starts_at).where(Period.id == loan.period_id).scalar_subquery()
    return len(session.exec(select(Period.id).where(col(Period.starts_at) > made)).all())


def unspent_lent(session: Session, member_id: int) -> int:
    loans = loans_of(session, member_id)
    return sum(sums.unspent for loan, sums in loans if loan.lender_id == member_id)
