"""Questions that an approver asks back before deciding, and the requester's answers."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, ref


class Question(SQLModel, table=True):
    """One question on a request; it stays when the request is amended."""

    id: int = id_field()
    request_id: int = ref("request.id", index=True)
    asker_id: int = ref("member.id")
    text: str
    asked_at: datetime
    answer: str = Field(default="")
    answered_at: datetime | None = None

    @classmethod
    def put(cls, session: Session, request_id: int, asker_id: int, text: str, now: datetime) -> None:
        session.add(cls(request_id=request_id, asker_id=asker_id, text=text, asked_at=now))
        session.flush()

    @classmethod
    def answer_all(cls, session: Session, request_id: int, text: str, now: datetime) -> list[Self]:
        """Answer every open question with one text. Returns these questions."""
        waiting = [one for one in cls.on(session, request_id) if one.answered_at is None]
        for one in waiting:
            one.answer, one.answered_at = text, now
            session.add(one)
        session.flush()
        return waiting

    @classmethod
    def on(cls, session: Session, request_id: int) -> list[Self]:
        query = select(cls).where(cls.request_id == request_id)
        return list(session.exec(query.order_by(col(cls.id))).all())


def erase_questions(session: Session, request_ids: list[int]) -> None:
    # Who asked and answered, and when, stays.
    session.execute(
        update(Question).where(col(Question.request_id).in_(request_ids)).values(text="", answer="")
    )
