"""Loans between colleagues. A loan is made in one step, and only what was used is owed.

principal = returned + unspent + used; owed = used - repaid - forgiven; both ends never below zero. Every number but
`forgiven` is a sum over transfers. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, Session, SQLModel

from models.db import Loader, id_field, partial_index, ref
from models.ledger.account import AccountKind, account_of
from models.ledger.overdraft import fill_overdraft
from models.ledger.transfer import Cause, Kind, post, transfer
from models.people.member import Member, require_colleague
from models.policy.document import Policy
from models.quota.forgiveness import Forgiveness
from models.quota.lend_start import FoundLoan, LendStart, open_loan
from models.quota.lendable import at_most, lendable
from models.quota.loan_sums import SUMS, Sums
from models.quota.period import Period
from models.quota.wallet import wallet_of
from models.refusal import (
    InsufficientQuota,
    LendingIsOff,
    LendingToOneself,
    MoreThanDue,
    NoSuchLoan,
    NotAColleague,
    UnknownCode,
)
from models.statement import SqlFile, Statement


class Loan(SQLModel, table=True):
    """Quota of a lender that a borrower may spend until its period closes, or until its own end before that.

    `asked`: the borrower asked for it. `ends_at`: its own end. `warned_for`: the end of which both were warned.
    `recall`, `repay` and `forgive` act on every open loan from one lender to one borrower, oldest first.
    """

    __table_args__ = (
        CheckConstraint("lender_id <> borrower_id", name="between_two"),
        CheckConstraint("forgiven >= 0", name="forgiven"),
        partial_index(
            "uq_loan_open",
            "lender_id",
            "borrower_id",
            "period_id",
            unique=True,
            where="closed_at IS NULL",
        ),
        partial_index(
            "ix_loan_open_borrower",
            "borrower_id",
            where="closed_at IS NULL",
        ),
        partial_index(
            "ix_loan_ends",
            "ends_at",
            where="ends_at IS NOT NULL AND closed_at IS NULL",
        ),
    )

    id: int = id_field()
    lender_id: int = ref("member.id", index=True)
    borrower_id: int = ref("member.id", index=True)
    period_id: int = ref("period.id")
    account_id: int = Field(foreign_key="account.id", sa_type=BigInteger, unique=True)
    forgiven: int = Field(default=0, sa_type=BigInteger)
    made_at: datetime
    closed_at: datetime | None = None
    asked: bool = False
    ends_at: datetime | None = None
    warned_for: datetime | None = None

    @classmethod
    def numbered(cls, session: Session, number: str, member: Member, *, taken: bool) -> Loan:
        """Raises `UnknownCode` unless `member` gave this loan, or with `taken` took it."""
        fits = number.isascii() and number.isdigit() and len(number) < 18
        found = session.get(cls, int(number)) if fits else None
        if found is None or member.id != (found.borrower_id if taken else found.lender_id):
            raise UnknownCode(number)
        return found

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
        ends_at: datetime | None = None,
        asked: bool = False,
    ) -> Lent:
        """Lend `amount` (None: all that is lendable), or raise the refusal. A second lend adds to the open loan.

        `ends_at` then holds for the whole loan. Only the lender's own figures are a limit, so neither a loan
        nor a refusal tells what the borrower has or owes.
        """
        if not policy.lending.enabled:
            raise LendingIsOff
        if lender.id == borrower.id:
            raise LendingToOneself
        require_colleague(lender), require_colleague(borrower)
        period, left = Period.hold(session, [lender.id, borrower.id])
        if left:
            raise NotAColleague(borrower.name if borrower.id in left else lender.name)
        start = LendStart.of(session, lender_id=lender.id, borrower_id=borrower.id)
        amount = lendable(start.gives, amount, policy)
        ends_at = ends_at if ends_at and ends_at < period.ends_at else None
        found, ends = start.loan, {"lender_id": lender.id, "borrower_id": borrower.id, "period_id": period.id}
        loan = found or open_loan(session, cause.at, asked=asked, ends_at=ends_at, **ends)
        changed = found is not None and cls._agree(session, found, ends_at, asked=asked, now=cause.at)
        # Both are held, so what is lendable stays so until it is posted.
        post(
            session,
            Kind.LEND,
            amount,
            source=start.source_id,
            target=loan.account_id,
            cause=cause,
            loan_id=loan.id,
        )
        ends_at = ends_at or (loan.ends_at if loan.ends_at and loan.ends_at > cause.at else period.ends_at)
        left_of = (start.gives.has.available - amount, start.gets.has.available + amount)
        return Lent(loan.id, amount, ends_at, *left_of, changed, start.requests)

    @classmethod
    def _agree(
        cls, session: Session, found: FoundLoan, ends_at: datetime | None, *, asked: bool, now: datetime
    ) -> bool:
        """True when the whole loan got another end. An end that has passed counts as none."""
        kept = found.ends_at if found.ends_at and found.ends_at > now else None
        agreed = found.asked or asked, ends_at or kept
        if agreed != (found.asked, found.ends_at):
            loan = session.get_one(cls, found.id)
            loan.asked, loan.ends_at = agreed
            session.add(loan)
            session.flush()
        return ends_at not in (None, kept)

    def end(self, session: Session, cause: Cause) -> int:
        """Give the unspent rest back to the lender, and return how much. What was used stays owed."""
        Period.hold(session, [self.borrower_id, self.lender_id])
        mine = [(loan, sums) for loan, sums in loans_of(session, self.borrower_id) if loan.id == self.id]
        unspent = sum(sums.unspent for _, sums in mine)
        moved = _pay_each(session, mine, Kind.RETURN, unspent, self.lender_id, cause)
        fill_overdraft(session, self.lender_id, cause)
        close_settled(session, mine, cause.at)
        return moved

    @classmethod
    def recall(
        cls, session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause
    ) -> int:
        """Take back unspent quota (None: all of it), and return how much. What was used stays owed."""
        loans = cls._held(session, lender, borrower, other=borrower)
        amount = at_most(amount, sum(sums.unspent for _, sums in loans), borrower)
        moved = _pay_each(session, loans, Kind.RETURN, amount, lender.id, cause)
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
        returned = _pay_each(session, loans, Kind.RETURN, due if amount is None else amount, lender.id, cause)
        owed = sum(sums.owed for _, sums in loans)
        own = wallet_of(session, borrower.id).allocation
        wanted = min(owed, own) if amount is None else amount - returned
        if wanted > own or (not returned and not wanted):
            raise InsufficientQuota(wanted or owed, own)
        repaid = _pay_each(session, loans, Kind.REPAY, wanted, lender.id, cause)
        fill_overdraft(session, lender.id, cause)
        close_settled(session, loans, cause.at)
        return Repaid(returned, repaid)

    @classmethod
    def forgive(
        cls, session: Session, *, lender: Member, borrower: Member, amount: int | None, cause: Cause
    ) -> int:
        """Write off what is owed (None: all of it), for good, and return how much."""
        loans = cls._held(session, lender, borrower, other=borrower)
        amount = left = at_most(amount, sum(sums.owed for _, sums in loans), borrower)
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
        """The open loans between two members, locked. `NoSuchLoan` names `other`."""
        Period.hold(session, [borrower.id, lender.id])
        loans = loans_between(session, lender=lender, borrower=borrower)
        if not loans:
            raise NoSuchLoan(other.name)
        return loans

    def warned_of(self, session: Session, ends_at: datetime) -> None:
        self.warned_for = ends_at
        session.add(self)

    def write_off(self, session: Session, amount: int, cause: Cause) -> None:
        """It moves no quota."""
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


class Lent(NamedTuple):
    """`lender_left`, `borrower_left`: what each has available after it. `changed`: the earlier part got this
    end, too. `requests`: the borrower has an open request.
    """

    loan_id: int
    amount: int
    ends_at: datetime
    lender_left: int
    borrower_left: int
    changed: bool = False
    requests: bool = False


class Repaid(NamedTuple):
    returned: int
    repaid: int


_LOAN = Loader(Loan)
_SQL = SqlFile("models.quota", "sql/loans.sql")
OPEN_LOANS = _SQL.text("open_of", member="m.id")
"""SQL: the ids of the open loans of a member `m`."""


def _summed(which: str) -> Statement[Any]:
    part = _SQL.text(which, member=":member")
    return Statement(_SQL.text("summed", columns=_LOAN.columns("l"), sums=SUMS, which=part))


_STILL_OPEN, _ALL = _summed("open_of"), _summed("all_of")


def loans_of(session: Session, member_id: int, *, closed: bool = False) -> list[tuple[Loan, Sums]]:
    """The open loans that this member gave or took, oldest first. `closed`: with the closed ones."""
    session.flush()
    rows = (_ALL if closed else _STILL_OPEN).all(session, member=member_id)
    width = _LOAN.width
    return [(_LOAN.load(session, row[:width]), Sums(*map(int, row[width:]))) for row in rows]


def loans_between(session: Session, *, lender: Member, borrower: Member) -> list[tuple[Loan, Sums]]:
    ends = lender.id, borrower.id
    return [
        (loan, sums)
        for loan, sums in loans_of(session, borrower.id)
        if (loan.lender_id, loan.borrower_id) == ends
    ]


def close_settled(session: Session, loans: list[tuple[Loan, Sums]], at: datetime) -> None:
    """Close the loans with nothing unspent and nothing owed."""
    session.flush()
    for loan, sums in loans:
        # Added up again: what was moved in this transaction counts.
        now = {one.id: s for one, s in loans_of(session, loan.borrower_id)}.get(loan.id, sums)
        if not now.open:
            loan.closed_at = at
            session.add(loan)
    session.flush()


def _pay_each(
    session: Session, loans: list[tuple[Loan, Sums]], kind: Kind, amount: int, lender: int, cause: Cause
) -> int:
    """Return or repay up to `amount`, the oldest loan first. Returns how much."""
    target = account_of(session, AccountKind.ALLOCATION, lender, cause.at)
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
