"""A member asks a colleague to lend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ColumnElement
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, ref
from models.ledger.transfer import Cause
from models.people.member import Member, lock_members
from models.people.mute import takes_asks
from models.policy.document import Policy
from models.quota.borrowing import may_borrow
from models.quota.code import new_code
from models.quota.lendable import require_enough
from models.quota.loan import Lent, Loan
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.refusal import CannotBorrowNow, LendingIsOff, LendingToOneself, Refusal, TakesNoAsks, UnknownCode

ASK_LASTS = timedelta(days=1)


class AskState(StrEnum):
    """A pending ask ends once, in one of the other states."""

    PENDING = "pending"
    LENT = "lent"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Ask(SQLModel, table=True):
    """`borrow 50 from @bob`: Bob lends with one click, within a day and within the period.

    `ends_at`: when the unspent rest goes back, if the borrower named a time.
    """

    __table_args__ = (
        CheckConstraint("amount > 0", name="asks_for_something"),
        CheckConstraint("state IN ('pending', 'lent', 'declined', 'cancelled', 'expired')", name="state"),
    )

    id: int = id_field()
    code: str = Field(unique=True)
    borrower_id: int = ref("member.id", index=True)
    lender_id: int = ref("member.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    reason: str = ""
    state: str = AskState.PENDING
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    ends_at: datetime | None = None
    search_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    """Of the search for whoever can spare it, whose borrower is not told the lender's name."""

    @classmethod
    def make(
        cls,
        session: Session,
        *,
        borrower: Member,
        lender: Member,
        amount: int,
        reason: str,
        policy: Policy,
        now: datetime,
        ends_at: datetime | None = None,
        search_id: int | None = None,
    ) -> Ask:
        """Ask `lender` for `amount`, or raise why the borrower may not. Nothing moves before the lender agrees."""
        if not policy.lending.enabled:
            raise LendingIsOff
        if lender.id == borrower.id:
            raise LendingToOneself
        period = Period.current(session)
        require_enough(amount, policy)
        may_borrow(session, QuotaStatus.of(session, borrower.id), amount, policy, lender=lender)
        if not takes_asks(session, lender, borrower.id):
            raise TakesNoAsks(lender.name)
        ask = cls(
            code=new_code(session), borrower_id=borrower.id, lender_id=lender.id, amount=amount, reason=reason,
            asked_at=now, expires_at=min(now + ASK_LASTS, period.ends_at, ends_at or period.ends_at), ends_at=ends_at,
            search_id=search_id,
        )  # fmt: skip
        session.add(ask)
        session.flush()
        return ask

    @classmethod
    def named(cls, session: Session, code: str, lender: Member) -> Ask:
        """Raises `UnknownCode` unless the ask goes to `lender`."""
        return cls._named(session, code, Ask.lender_id == lender.id)

    @classmethod
    def mine(cls, session: Session, code: str, borrower: Member) -> Ask:
        """Raises `UnknownCode` unless `borrower` made it."""
        return cls._named(session, code, Ask.borrower_id == borrower.id)

    @classmethod
    def _named(cls, session: Session, code: str, of: ColumnElement[bool] | bool) -> Ask:
        found = session.exec(select(Ask).where(Ask.code == code.strip().upper(), of)).one_or_none()
        if found is None:
            raise UnknownCode(code)
        return found

    @classmethod
    def due(cls, session: Session, now: datetime) -> Sequence[Ask]:
        return session.exec(select(Ask).where(Ask.state == AskState.PENDING, Ask.expires_at <= now)).all()

    @classmethod
    def ended_by_leaving(cls, session: Session, member_id: int, at: datetime) -> Sequence[Ask]:
        ended = (col(Ask.state) == AskState.EXPIRED, col(Ask.decided_at) == at)
        return session.exec(select(Ask).where(_is_of(member_id), *ended)).all()

    @classmethod
    def expire_all_of(cls, session: Session, member_id: int, at: datetime) -> None:
        pending = update(Ask).where(_is_of(member_id), col(Ask.state) == AskState.PENDING)
        session.execute(pending.values(state=AskState.EXPIRED, decided_at=at))

    @classmethod
    def waiting(cls, session: Session, borrower: Member, now: datetime) -> Sequence[Ask]:
        mine = Ask.borrower_id == borrower.id, Ask.state == AskState.PENDING, Ask.expires_at > now
        return session.exec(select(Ask).where(*mine).order_by(col(Ask.id))).all()

    @classmethod
    def withdraw_all(
        cls, session: Session, borrower: Member, now: datetime, lender: Member | None = None
    ) -> Sequence[Ask]:
        """End this borrower's asks, of `lender` or of everybody, and return them."""
        # A lend at this moment commits before, and its ask is not pending any more.
        lock_members(session, [borrower.id])
        query = select(Ask).where(
            Ask.borrower_id == borrower.id, Ask.state == AskState.PENDING, Ask.expires_at > now
        )
        if lender is not None:  # an ask of a search has no name for its borrower
            query = query.where(Ask.lender_id == lender.id, col(Ask.search_id).is_(None))
        found = session.exec(query.order_by(col(Ask.id))).all()
        return [ask for ask in found if ask._end(session, AskState.CANCELLED, now)]

    def withdraw(self, session: Session, now: datetime) -> bool:
        """False when the ask had ended before."""
        lock_members(session, [self.borrower_id])
        return self._end(session, AskState.CANCELLED, now, col(Ask.expires_at) > now)

    def lend(self, session: Session, policy: Policy, cause: Cause) -> Lent | None:
        """Make the loan, or raise the refusal. None when the ask had ended before."""
        # before the ask ends: of two lenders who say yes at once, the second finds it withdrawn
        Period.hold(session, [self.lender_id, self.borrower_id])
        if not self._end(session, AskState.LENT, cause.at, col(Ask.expires_at) > cause.at):
            return None
        lender, borrower = (session.get_one(Member, one) for one in (self.lender_id, self.borrower_id))
        try:
            may_borrow(session, QuotaStatus.of(session, borrower.id), self.amount, policy, lender=lender)
        except Refusal as no:
            raise CannotBorrowNow(borrower.name) from no
        return Loan.make(
            session, lender=lender, borrower=borrower, amount=self.amount, policy=policy, cause=cause,
            ends_at=self.ends_at, asked=True,
        )  # fmt: skip

    def decline(self, session: Session, now: datetime) -> bool:
        """False when the ask had ended before."""
        return self._end(session, AskState.DECLINED, now, col(Ask.expires_at) > now)

    def expire(self, session: Session, now: datetime) -> bool:
        """False when somebody just answered."""
        return self._end(session, AskState.EXPIRED, now)

    def _end(self, session: Session, state: AskState, now: datetime, *where: ColumnElement[bool]) -> bool:
        # One conditional update: of two answers at once, the first counts.
        session.flush()
        ended = update(Ask).where(col(Ask.id) == self.id, col(Ask.state) == AskState.PENDING, *where)
        result = session.execute(
            ended.values(state=state, decided_at=now).execution_options(synchronize_session=False)
        )
        session.refresh(self)
        return bool(result.rowcount)  # type: ignore[attr-defined]


def _is_of(member_id: int) -> ColumnElement[bool]:
    return (col(Ask.borrower_id) == member_id) | (col(Ask.lender_id) == member_id)
