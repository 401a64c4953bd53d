"""Loans between colleagues: one step to make, owed is only what was used.

principal = returned + unspent + used; owed = used - repaid - forgiven; both ends never below zero. Every number but
`forgiven` is a sum over transfers. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, CheckConstraint, Index, bindparam, func, insert, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import id_field, ref
from models.ledger.account import AccountKind, account_of, open_account
from models.ledger.amount import share
from models.ledger.transfer import Cause, Kind, Transfer, transfer
from models.people.member import Member, lock_members, require_colleague
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.quota.wallet import fill_overdraft, wallet_of
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
    """Quota of a lender that a borrower may spend till its period closes."""

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
        """Lend `amount` (None: all that is lendable) at once, or raise why not. A second lend adds to the open loan.

        What is said of the other one never tells what they have, owe or are.
        """
        if not policy.lending.enabled:
            raise LendingIsOff
        if lender.id == borrower.id:
            raise LendingToOneself
        require_colleague(lender), require_colleague(borrower)
        period = Period.current(session)
        gone = lock_members(session, [lender.id, borrower.id])
        if gone:
            raise NotAColleague(borrower.name if borrower.id in gone else lender.name)
        gives, gets = QuotaStatus.of_two(session, lender.id, borrower.id)
        amount = _checked_lendable(gives, amount, policy)
        try:
            loan = may_borrow(session, gets, amount, policy, lender=lender)
        except Refusal as no:
            raise CannotBorrowNow(borrower.name) from no
        number, account = (
            (loan.id, loan.account_id) if loan else cls._open(session, lender, borrower, period, cause.at)
        )
        source = account_of(session, AccountKind.ALLOCATION, lender.id, cause.at)
        transfer(session, Kind.LEND, amount, source=source, target=account, cause=cause, loan_id=number)
        return Lent(number, amount, period.ends_at, gives.has.available - amount, gets.has.available + amount)

    @classmethod
    def _open(
        cls, session: Session, lender: Member, borrower: Member, period: Period, at: datetime
    ) -> tuple[int, int]:
        """A new loan and its account."""
        account = open_account(session, AccountKind.LOAN, at, member_id=borrower.id)
        words = {
            "lender_id": lender.id,
            "borrower_id": borrower.id,
            "period_id": period.id,
            "account_id": account,
            "forgiven": 0,
            "made_at": at,
        }
        return session.connection().execute(_MAKE, words).scalar_one(), account


_MAKE = insert(Loan).returning(col(Loan.id))


class Lent(NamedTuple):
    """What a lend came to: how much moved, till when, and what each of the two has available after it."""

    loan_id: int
    amount: int
    ends_at: datetime
    lender_left: int
    borrower_left: int


class Forgiveness(SQLModel, table=True):
    """A lender let some of what is owed go, for good. It moves no quota."""

    __table_args__ = (CheckConstraint("amount > 0", name="forgives_something"),)

    id: int = id_field()
    loan_id: int = ref("loan.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    at: datetime
    actor: str
    cause: str
    reason: str = ""


@dataclass(frozen=True)
class Sums:
    """The numbers of one loan."""

    principal: int = 0
    returned: int = 0
    used: int = 0
    repaid: int = 0
    forgiven: int = 0

    @property
    def unspent(self) -> int:
        return self.principal - self.returned - self.used

    @property
    def owed(self) -> int:
        return self.used - self.repaid - self.forgiven

    @property
    def open(self) -> int:
        return self.unspent + self.owed


_SUMS = (
    func.coalesce(func.sum(col(Transfer.amount)).filter(col(Transfer.kind) == kind), 0)
    for kind in (Kind.LEND, Kind.RETURN, Kind.USE, Kind.REPAY)
)
_ENDS = (col(Loan.lender_id), col(Loan.borrower_id))
_SUMMED: Any = (
    sa.select(Loan, *_SUMS, col(Loan.forgiven))
    .outerjoin(Transfer, col(Transfer.loan_id) == Loan.id)
    .group_by(col(Loan.id))
    .order_by(col(Loan.id))
)
_EVERY = _SUMMED.where(sa.or_(*(end == bindparam("member") for end in _ENDS)))
# each half has its partial index; for an OR, SQLite reads every loan there ever was
_OPEN_OF = (
    sa.select(col(Loan.id)).where(end == bindparam("member"), col(Loan.closed_at).is_(None)) for end in _ENDS
)
_OPEN = _SUMMED.where(col(Loan.id).in_(sa.union_all(*_OPEN_OF)))


def loans_of(session: Session, member_id: int, *, closed: bool = False) -> list[tuple[Loan, Sums]]:
    """Every open loan this member gave or took (with `closed`, every loan), oldest first."""
    found = session.exec(_EVERY if closed else _OPEN, params={"member": member_id})
    return [(loan, Sums(*map(int, sums))) for loan, *sums in found]


def unspent_lent(session: Session, member_id: int) -> int:
    """What of this member's quota others hold and have not spent: it can be recalled."""
    loans = loans_of(session, member_id)
    return sum(sums.unspent for loan, sums in loans if loan.lender_id == member_id)


def between(session: Session, *, lender: Member, borrower: Member) -> list[tuple[Loan, Sums]]:
    """The open loans from one to the other, oldest first; or raise `NoSuchLoan`."""
    found = [
        (loan, sums)
        for loan, sums in loans_of(session, borrower.id)
        if loan.lender_id == lender.id and loan.borrower_id == borrower.id
    ]
    if not found:
        raise NoSuchLoan(lender.name)
    return found


def may_borrow(
    session: Session, status: QuotaStatus, amount: int, policy: Policy, *, lender: Member | None
) -> Loan | None:
    """The open loan that `amount` more from `lender` adds to, if there is one; or raise why it cannot be taken.

    The words are for the borrower alone.
    """
    taken = [
        (loan, sums)
        for loan, sums in loans_of(session, status.member_id)
        if loan.borrower_id == status.member_id
    ]
    if any(sums.owed and _openings_since(session, loan) >= 2 for loan, sums in taken):
        raise OverdueLoans
    same = [
        loan
        for loan, _ in taken
        if lender and (loan.lender_id, loan.period_id) == (lender.id, status.period_id)
    ]
    others = [loan for loan, sums in taken if sums.open and loan not in same]
    if len(others) >= policy.lending.max_open_as_borrower:
        raise TooManyLoans(policy.lending.max_open_as_borrower)
    most = share(status.base, policy.lending.max_borrowed_share)
    left = most - sum(sums.open for _, sums in taken)
    if amount > left:
        raise TooMuchBorrowed(amount, max(0, left))
    return same[0] if same else None


def give_back(
    session: Session, *, borrower: Member, lender: Member, amount: int | None, cause: Cause
) -> tuple[int, int]:
    """Give back unspent quota, then pay what is owed, oldest first; returns (given back, repaid).

    None: everything, as far as own quota goes. Only the allocation pays: never a top-up, never another loan.
    """
    Period.current(session)
    lock_members(session, [borrower.id, lender.id])
    loans = between(session, lender=lender, borrower=borrower)
    due = sum(sums.open for _, sums in loans)
    if amount is not None and amount > due:
        raise MoreThanDue(amount, due)
    returned = _each(session, loans, Kind.RETURN, due if amount is None else amount, lender, cause)
    owed = sum(sums.owed for _, sums in loans)
    own = wallet_of(session, borrower.id).allocation
    wanted = min(owed, own) if amount is None else amount - returned
    if wanted > own or (not returned and not wanted):
        raise InsufficientQuota(wanted or owed, own)
    repaid = _each(session, loans, Kind.REPAY, wanted, lender, cause)
    fill_overdraft(session, lender.id, cause)
    close_settled(session, loans, cause.at)
    return returned, repaid


def recall(session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause) -> int:
    """Take back what the borrower has not spent (None: all of it); what they used stays owed."""
    Period.current(session)
    lock_members(session, [borrower.id, lender.id])
    try:
        loans = between(session, lender=lender, borrower=borrower)
    except NoSuchLoan as no:
        raise NoSuchLoan(borrower.name) from no
    unspent = sum(sums.unspent for _, sums in loans)
    if not unspent:
        raise NothingOwed(borrower.name)
    if amount is not None and amount > unspent:
        raise MoreThanDue(amount, unspent)
    moved = _each(session, loans, Kind.RETURN, unspent if amount is None else amount, lender, cause)
    fill_overdraft(session, lender.id, cause)
    close_settled(session, loans, cause.at)
    return moved


def forgive(session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause) -> int:
    """Let what is owed go (None: all of it), for good. Not while a close collects it."""
    Period.current(session)
    lock_members(session, [borrower.id, lender.id])
    try:
        loans = between(session, lender=lender, borrower=borrower)
    except NoSuchLoan as no:
        raise NoSuchLoan(borrower.name) from no
    owed = sum(sums.owed for _, sums in loans)
    if not owed:
        raise NothingOwed(borrower.name)
    if amount is not None and amount > owed:
        raise MoreThanDue(amount, owed)
    left = owed if amount is None else amount
    for loan, sums in loans:
        part = min(left, sums.owed)
        if part:
            loan.forgiven += part
            session.add(loan)
            session.add(
                Forgiveness(
                    loan_id=loan.id,
                    amount=part,
                    at=cause.at,
                    actor=cause.actor,
                    cause=cause.key,
                    reason=cause.reason,
                )
            )
            left -= part
    close_settled(session, loans, cause.at)
    return owed if amount is None else amount


def overdue(session: Session, loan: Loan) -> bool:
    """Still open after the opening that followed its period."""
    return _openings_since(session, loan) >= 1


def close_settled(session: Session, loans: list[tuple[Loan, Sums]], at: datetime) -> None:
    """Close those of `loans` of which nothing is unspent and nothing owed."""
    session.flush()
    for loan, sums in loans:
        now = {one.id: s for one, s in loans_of(session, loan.borrower_id)}.get(loan.id, sums)
        if not now.open:
            loan.closed_at = at
            session.add(loan)
    session.flush()


def _checked_lendable(status: QuotaStatus, amount: int | None, policy: Policy) -> int:
    lendable = status.has.lendable(policy, status.base)
    if status.has.borrowed:
        raise HoldsBorrowed
    if (amount or lendable or 1) > lendable:
        raise NotLendable(amount or 0, lendable)
    return amount or lendable


def _each(
    session: Session, loans: list[tuple[Loan, Sums]], kind: Kind, amount: int, lender: Member, cause: Cause
) -> int:
    """Return or repay up to `amount` over these loans, oldest first; what moved."""
    target = account_of(session, AccountKind.ALLOCATION, lender.id, cause.at)
    left = amount
    for loan, sums in loans:
        part = min(left, sums.unspent if kind == Kind.RETURN else sums.owed)
        if part > 0:
            payer = (
                loan.account_id
                if kind == Kind.RETURN
                else account_of(session, AccountKind.ALLOCATION, loan.borrower_id, cause.at)
            )
            transfer(session, kind, part, source=payer, target=target, cause=cause, loan_id=loan.id)
            left -= part
    return amount - left


def _openings_since(session: Session, loan: Loan) -> int:
    made = select(Period.starts_at).where(Period.id == loan.period_id).scalar_subquery()
    return len(session.exec(select(Period.id).where(col(Period.starts_at) > made)).all())
