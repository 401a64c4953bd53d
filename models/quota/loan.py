"""Loans between colleagues. A loan is made in one step, and only what was used is owed.

principal = returned + unspent + used; owed = used - repaid - forgiven; both ends never below zero. Every number but
`forgiven` is a sum over transfers. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, CheckConstraint, Index, bindparam, insert, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import id_field, ref
from models.ledger.account import AccountKind, account_of, open_account
from models.ledger.amount import share
from models.ledger.overdraft import fill_overdraft
from models.ledger.transfer import Cause, Kind, Transfer, transfer
from models.people.member import Member, lock_members, require_colleague
from models.policy.document import Policy
from models.quota.loan_sums import TRANSFERRED, Forgiveness, Sums
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.quota.wallet import wallet_of
from models.refusal import (
    CannotBorrowNow,
    HoldsBorrowed,
    InsufficientQuota,
    LendingIsOff,
    LendingToOneself,
    MoreThanDue,
    NoSuchLoan,
    NotAColleague,
    NothingOwed,
    NotLendable,
    OverdueLoans,
    Refusal,
    TooManyLoans,
    TooMuchBorrowed,
)


class Loan(SQLModel, table=True):
    """Quota of a lender that a borrower may spend until its period closes.

    `recall`, `repay` and `forgive` act on every open loan from one lender to one borrower, oldest first.
    """

    __table_args__ = (
        CheckConstraint("lender_id <> borrower_id", name="between_two"),
        CheckConstraint("forgiven >= 0", name="forgiven"),
        Index(
            "uq_loan_open",
            "lender_id",
            "borrower_id",
            "period_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_loan_open_borrower",
            "borrower_id",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: int = id_field()
    lender_id: int = ref("member.id")
    borrower_id: int = ref("member.id")
    period_id: int = ref("period.id")
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger, unique=True)
    forgiven: int = Field(default=0, sa_type=BigInteger)
    made_at: datetime
    closed_at: datetime | None = None

    @classmethod
    def make(
        cls,
        session: Session,
        *,
        lender: Member,
        borrower: Member,
        amount: int | None,
        policy: Policy,
        cause: Cause,
    ) -> Lent:
        """Lend `amount` (None: all that is lendable), or raise why not. A second lend adds to the open loan.

        A refusal never tells what the other one has, owes or is.
        """
        if not policy.lending.enabled:
            raise LendingIsOff
        if lender.id == borrower.id:
            raise LendingToOneself
        require_colleague(lender), require_colleague(borrower)
        period = Period.current(session)
        left = lock_members(session, [lender.id, borrower.id])
        if left:
            raise NotAColleague(borrower.name if borrower.id in left else lender.name)
        gives, gets = QuotaStatus.of_two(session, lender.id, borrower.id)
        amount = _lendable(gives, amount, policy)
        try:
            loan = may_borrow(session, gets, amount, policy, lender=lender)
        except Refusal as no:
            raise CannotBorrowNow(borrower.name) from no
        opened = (
            (loan.id, loan.account_id) if loan else cls._open(session, lender, borrower, period, cause.at)
        )
        source = account_of(session, AccountKind.ALLOCATION, lender.id, cause.at)
        transfer(session, Kind.LEND, amount, source=source, target=opened[1], cause=cause, loan_id=opened[0])
        return Lent(
            opened[0], amount, period.ends_at, gives.has.available - amount, gets.has.available + amount
        )

    @staticmethod
    def _open(
        session: Session, lender: Member, borrower: Member, period: Period, at: datetime
    ) -> tuple[int, int]:
        """The ids of a new loan and of its account."""
        account = open_account(session, AccountKind.LOAN, at, member_id=borrower.id)
        words = {
            "lender_id": lender.id, "borrower_id": borrower.id, "period_id": period.id, "account_id": account,
            "forgiven": 0, "made_at": at,
        }  # fmt: skip
        return session.connection().execute(_OPEN, words).scalar_one(), account

    @classmethod
    def recall(
        cls, session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause
    ) -> int:
        """Take back what the borrower has not spent (None: all of it) and return how much; what they used stays owed."""
        loans = cls._held(session, lender, borrower, other=borrower)
        amount = _at_most(amount, sum(sums.unspent for _, sums in loans), borrower)
        moved = _pay_each(session, loans, Kind.RETURN, amount, lender, cause)
        fill_overdraft(session, lender.id, cause)
        close_settled(session, loans, cause.at)
        return moved

    @classmethod
    def repay(
        cls, session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause
    ) -> Repaid:
        """Return unspent quota, then pay what is owed. None: everything, as far as own quota goes.

        Only the allocation pays: never a top-up, never another loan.
        """
        loans = cls._held(session, lender, borrower, other=lender)
        due = sum(sums.open for _, sums in loans)
        if amount is not None and amount > due:
            raise MoreThanDue(amount, due)
        returned = _pay_each(session, loans, Kind.RETURN, due if amount is None else amount, lender, cause)
        owed = sum(sums.owed for _, sums in loans)
        own = wallet_of(session, borrower.id).allocation
        wanted = min(owed, own) if amount is None else amount - returned
        if wanted > own or (not returned and not wanted):
            raise InsufficientQuota(wanted or owed, own)
        repaid = _pay_each(session, loans, Kind.REPAY, wanted, lender, cause)
        fill_overdraft(session, lender.id, cause)
        close_settled(session, loans, cause.at)
        return Repaid(returned, repaid)

    @classmethod
    def forgive(
        cls, session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause
    ) -> int:
        """Let what is owed go (None: all of it), for good, and return how much. Not while a close collects it."""
        loans = cls._held(session, lender, borrower, other=borrower)
        amount = left = _at_most(amount, sum(sums.owed for _, sums in loans), borrower)
        for loan, sums in loans:
            part = min(left, sums.owed)
            loan.write_off(session, part, cause)
            left -= part
        close_settled(session, loans, cause.at)
        return amount

    @staticmethod
    def _held(
        session: Session, lender: Member, borrower: Member, *, other: Member
    ) -> list[tuple[Loan, Sums]]:
        """The open loans between two whose quota is held till the transaction ends; `NoSuchLoan` names the other one."""
        Period.current(session)
        lock_members(session, [borrower.id, lender.id])
        loans = loans_between(session, lender=lender, borrower=borrower)
        if not loans:
            raise NoSuchLoan(other.name)
        return loans

    def write_off(self, session: Session, amount: int, cause: Cause) -> None:
        """Reduce what is owed of this one loan; it moves no quota."""
        if not amount:
            return
        self.forgiven += amount
        gone = Forgiveness(
            loan_id=self.id,
            amount=amount,
            at=cause.at,
            actor=cause.actor,
            cause=cause.key,
            reason=cause.reason,
        )
        session.add_all([self, gone])


_OPEN = insert(Loan).returning(col(Loan.id))


class Lent(NamedTuple):
    """A lend's result: how much moved, until when, and what each of the two has available after it."""

    loan_id: int
    amount: int
    ends_at: datetime
    lender_left: int
    borrower_left: int


class Repaid(NamedTuple):
    returned: int
    repaid: int


_ENDS = (col(Loan.lender_id), col(Loan.borrower_id))
_SUMMED: Any = (
    sa.select(Loan, *TRANSFERRED, col(Loan.forgiven))
    .outerjoin(Transfer, col(Transfer.loan_id) == Loan.id)
    .group_by(col(Loan.id))
    .order_by(col(Loan.id))
)
_ALL = _SUMMED.where(sa.or_(*(end == bindparam("member") for end in _ENDS)))
# each half has its partial index; for an OR, SQLite reads every loan there ever was
_OPEN_OF = (
    sa.select(col(Loan.id)).where(end == bindparam("member"), col(Loan.closed_at).is_(None)) for end in _ENDS
)
_STILL_OPEN = _SUMMED.where(col(Loan.id).in_(sa.union_all(*_OPEN_OF)))


def loans_of(session: Session, member_id: int, *, closed: bool = False) -> list[tuple[Loan, Sums]]:
    """The open loans that this member gave or took (with `closed`, all loans), oldest first."""
    found = session.exec(_ALL if closed else _STILL_OPEN, params={"member": member_id})
    return [(loan, Sums(*map(int, sums))) for loan, *sums in found]


def unspent_lent(session: Session, member_id: int) -> int:
    """How much of this member's quota others hold unspent: it can be recalled."""
    loans = loans_of(session, member_id)
    return sum(sums.unspent for loan, sums in loans if loan.lender_id == member_id)


def loans_between(session: Session, *, lender: Member, borrower: Member) -> list[tuple[Loan, Sums]]:
    """The open loans from one to the other, oldest first."""
    ends = lender.id, borrower.id
    return [
        (loan, sums)
        for loan, sums in loans_of(session, borrower.id)
        if (loan.lender_id, loan.borrower_id) == ends
    ]


def may_borrow(
    session: Session, status: QuotaStatus, amount: int, policy: Policy, *, lender: Member | None
) -> Loan | None:
    """The open loan that `amount` more from `lender` would add to, if there is one; or raise why it cannot be taken.

    Only the borrower may read why.
    """
    me = status.member_id
    taken = [(loan, sums) for loan, sums in loans_of(session, me) if loan.borrower_id == me]
    if any(sums.owed and _openings_since(session, loan) >= 2 for loan, sums in taken):
        raise OverdueLoans
    ends = lender.id if lender else None, status.period_id
    same = [loan for loan, _ in taken if (loan.lender_id, loan.period_id) == ends]
    others = [loan for loan, sums in taken if sums.open and loan not in same]
    if len(others) >= policy.lending.max_open_as_borrower:
        raise TooManyLoans(policy.lending.max_open_as_borrower)
    left = share(status.base, policy.lending.max_borrowed_share) - sum(sums.open for _, sums in taken)
    if amount > left:
        raise TooMuchBorrowed(amount, max(0, left))
    return same[0] if same else None


def overdue(session: Session, loan: Loan) -> bool:
    """Still open after the opening that followed its period."""
    return _openings_since(session, loan) >= 1


def _openings_since(session: Session, loan: Loan) -> int:
    made = select(Period.starts_at).where(Period.id == loan.period_id).scalar_subquery()
    return len(session.exec(select(Period.id).where(col(Period.starts_at) > made)).all())


def close_settled(session: Session, loans: list[tuple[Loan, Sums]], at: datetime) -> None:
    """Close those of `loans` of which nothing is unspent and nothing owed."""
    session.flush()
    for loan, sums in loans:
        now = {one.id: s for one, s in loans_of(session, loan.borrower_id)}.get(loan.id, sums)
        if not now.open:
            loan.closed_at = at
            session.add(loan)
    session.flush()


def _lendable(status: QuotaStatus, amount: int | None, policy: Policy) -> int:
    """`amount`, or all that is lendable; or raise why it is not."""
    lendable = status.has.lendable(policy, status.base)
    if status.has.borrowed:
        raise HoldsBorrowed
    if (amount or lendable or 1) > lendable:
        raise NotLendable(amount or 0, lendable)
    return amount or lendable


def _at_most(amount: int | None, there: int, borrower: Member) -> int:
    """`amount`, or all of what is there; or raise that it is nothing, or less."""
    if not there:
        raise NothingOwed(borrower.name)
    if amount is not None and amount > there:
        raise MoreThanDue(amount, there)
    return there if amount is None else amount


def _pay_each(
    session: Session, loans: list[tuple[Loan, Sums]], kind: Kind, amount: int, lender: Member, cause: Cause
) -> int:
    """Return or repay up to `amount` over these loans, oldest first, and return what moved."""
    target = account_of(session, AccountKind.ALLOCATION, lender.id, cause.at)
    left = amount
    for loan, sums in loans:
        part = min(left, sums.unspent if kind == Kind.RETURN else sums.owed)
        if part <= 0:
            continue
        if kind == Kind.RETURN:
            payer = loan.account_id
        else:
            payer = account_of(session, AccountKind.ALLOCATION, loan.borrower_id, cause.at)
        transfer(session, kind, part, source=payer, target=target, cause=cause, loan_id=loan.id)
        left -= part
    return amount - left
