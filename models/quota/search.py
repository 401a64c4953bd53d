"""`borrow 50`, of nobody by name: up to three teammates are asked in private, one after the other's silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, func
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, partial_index, ref
from models.people.member import Member, lock_members
from models.policy.document import Policy
from models.quota.ask import ASK_LASTS, Ask, AskState
from models.quota.borrowing import may_borrow
from models.quota.code import new_code
from models.quota.lendable import require_enough
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.refusal import LendingIsOff

MOST_ASKED = 3
PATIENCE = timedelta(minutes=10)
"""How long one teammate's silence lasts before the next one is asked as well."""


class Search(SQLModel, table=True):
    """`next_at`: when the next teammate is asked; None when nobody else will be. The borrower is never told whom."""

    __table_args__ = (partial_index("ix_search_open", "next_at", where="ended_at IS NULL"),)

    id: int = id_field()
    code: str = Field(unique=True)
    borrower_id: int = ref("member.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    reason: str = ""
    asked_at: datetime
    expires_at: datetime
    ends_at: datetime | None = None
    next_at: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def begin(
        cls,
        session: Session,
        *,
        borrower: Member,
        amount: int,
        reason: str,
        policy: Policy,
        now: datetime,
        ends_at: datetime | None = None,
    ) -> Search:
        """Raises why the borrower may not. An earlier search of theirs has to be ended before."""
        if not policy.lending.enabled:
            raise LendingIsOff
        period = Period.current(session)
        require_enough(amount, policy)
        may_borrow(session, QuotaStatus.of(session, borrower.id), amount, policy, lender=None)
        found = cls(
            code=new_code(session), borrower_id=borrower.id, amount=amount, reason=reason, asked_at=now, ends_at=ends_at,
            expires_at=min(now + ASK_LASTS, period.ends_at, ends_at or period.ends_at), next_at=now,
        )  # fmt: skip
        session.add(found)
        session.flush()
        return found

    @classmethod
    def coded(cls, session: Session, code: str, borrower: Member) -> Search | None:
        """The borrower's search of this CODE, which may be that of an ask as well."""
        same = Search.code == code.strip().upper(), Search.borrower_id == borrower.id
        return session.exec(select(Search).where(*same)).one_or_none()

    @classmethod
    def open_of(cls, session: Session, borrower: Member) -> Sequence[Search]:
        mine = Search.borrower_id == borrower.id, col(Search.ended_at).is_(None)
        return session.exec(select(Search).where(*mine)).all()

    @classmethod
    def of_teammates(cls, session: Session, member: Member, now: datetime) -> Sequence[Search]:
        """Open searches of this member's teammates, oldest first."""
        here = func.lower(Member.team) == member.team.lower(), Member.id != member.id
        query = select(Search).join(Member, col(Member.id) == Search.borrower_id).where(*here)
        still = col(Search.ended_at).is_(None), col(Search.expires_at) > now
        return session.exec(query.where(*still).order_by(col(Search.id))).all() if member.team else ()

    @classmethod
    def due(cls, session: Session, now: datetime) -> Sequence[Search]:
        """Open searches that ask the next one now, or whose time is over."""
        open_ones = select(Search).where(col(Search.ended_at).is_(None))
        late = (col(Search.next_at) <= now) | (col(Search.expires_at) <= now)
        return session.exec(open_ones.where(late).order_by(col(Search.id))).all()

    @classmethod
    def end_all_of(cls, session: Session, borrower: Member, now: datetime) -> Sequence[Search]:
        """End the borrower's open searches and return them; their asks are withdrawn by `Ask.withdraw_all`."""
        return [one for one in cls.open_of(session, borrower) if one.end(session, now)]

    def asked(self, session: Session) -> list[Ask]:
        return list(session.exec(select(Ask).where(Ask.search_id == self.id).order_by(col(Ask.id))).all())

    def ask(self, session: Session, lender: Member | None, policy: Policy, now: datetime) -> Ask | None:
        """Ask this teammate; None when there is nobody else to ask."""
        lock_members(session, [self.borrower_id])
        made = None
        if lender is not None:
            made = Ask.make(
                session, borrower=session.get_one(Member, self.borrower_id), lender=lender, amount=self.amount,
                reason=self.reason, policy=policy, now=now, ends_at=self.ends_at, search_id=self.id,
            )  # fmt: skip
        # at first nobody may be there: looked for once more, so that the first answer tells nothing of the team
        asked = len(self.asked(session))
        more = asked < MOST_ASKED if made is not None else asked == 0 and now == self.asked_at
        self.next_at = now + PATIENCE if more else None
        session.add(self)
        session.flush()
        return made

    def is_over(self, session: Session, now: datetime) -> bool:
        """Whether nobody else will be asked and nobody who was asked can still say yes."""
        waits = any(one.state == AskState.PENDING and one.expires_at > now for one in self.asked(session))
        return not waits and (self.next_at is None or self.expires_at <= now)

    def end(self, session: Session, now: datetime) -> bool:
        """False when it had ended before."""
        session.flush()
        mine = update(Search).where(col(Search.id) == self.id, col(Search.ended_at).is_(None))
        ended = session.execute(
            mine.values(ended_at=now, next_at=None).execution_options(synchronize_session=False)
        )
        session.refresh(self)
        return bool(ended.rowcount)  # type: ignore[attr-defined]
