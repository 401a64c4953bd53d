"""Alarms: a surge of a member's spend, from the question till somebody answers it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, partial_index, ref

LASTS = timedelta(days=1)
"""After that nobody is asked about it any more."""


class Alarm(SQLModel, table=True):
    """`amount` (stored units) was spent in the surge at `at`. `pause_at`: the member is paused then, unless somebody answers.

    `escalated_at`: those above who were not told at first have heard that nobody answers.
    """

    __table_args__ = (
        partial_index(
            "ix_alarm_open",
            "at",
            where="answered_at IS NULL",
        ),
    )

    id: int = id_field()
    member_id: int = ref("member.id", index=True)
    at: datetime
    amount: int = Field(sa_type=BigInteger)
    pause_at: datetime | None = None
    escalated_at: datetime | None = None
    answered_at: datetime | None = None

    @classmethod
    def begin(
        cls, session: Session, member_id: int, amount: int, now: datetime, pause_at: datetime | None
    ) -> Self:
        """A newer alarm takes the place of one that nobody answered, and keeps an earlier pause."""
        before = cls.open_of(session, member_id)
        if before is not None and before.pause_at is not None and pause_at is not None:
            pause_at = min(pause_at, before.pause_at)
        cls.answer(session, member_id, now)
        found = cls(member_id=member_id, at=now, amount=amount, pause_at=pause_at)
        session.add(found)
        session.flush()
        return found

    @classmethod
    def latest(cls, session: Session, member_id: int) -> Self | None:
        query = select(cls).where(cls.member_id == member_id).order_by(col(cls.id).desc())
        return session.exec(query.limit(1)).first()

    @classmethod
    def open_of(cls, session: Session, member_id: int) -> Self | None:
        found = cls.latest(session, member_id)
        return found if found is not None and found.answered_at is None else None

    @classmethod
    def unanswered(cls, session: Session, now: datetime) -> list[Self]:
        """Those of the last day for which something is still to be done."""
        waits = col(cls.pause_at).is_not(None) | col(cls.escalated_at).is_(None)
        query = select(cls).where(col(cls.answered_at).is_(None), col(cls.at) > now - LASTS, waits)
        return list(session.exec(query.order_by(col(cls.id)).with_for_update()).all())

    @classmethod
    def answer(cls, session: Session, member_id: int, now: datetime) -> None:
        """Somebody has answered, whatever the answer is."""
        theirs = update(cls).where(col(cls.member_id) == member_id, col(cls.answered_at).is_(None))
        session.execute(theirs.values(answered_at=now))

    def escalate(self, now: datetime) -> None:
        self.escalated_at = now

    def give_up_pause(self) -> None:
        """The gateway does not enforce limits any more, so nothing pauses the member."""
        self.pause_at = None
