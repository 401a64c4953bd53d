"""Whose asks to lend reach somebody: everybody's, nobody's, or all but those of a few."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel, col, delete

from models.people.member import Member


class Mute(SQLModel, table=True):
    """Asks of `muted_id` do not reach `member_id`."""

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    muted_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    at: datetime

    @classmethod
    def begin(cls, session: Session, member: Member, muted: Member, now: datetime) -> None:
        session.merge(cls(member_id=member.id, muted_id=muted.id, at=now))
        session.flush()

    @classmethod
    def end(cls, session: Session, member: Member, muted: Member) -> bool:
        """False when that one was not muted."""
        mine = delete(cls).where(col(cls.member_id) == member.id, col(cls.muted_id) == muted.id)
        return bool(session.execute(mine).rowcount)  # type: ignore[attr-defined]


def takes_asks(session: Session, asked: Member, asker: int) -> bool:
    return not asked.no_asks and session.get(Mute, (asked.id, asker)) is None


def take_no_asks(session: Session, member: Member, *, no_asks: bool) -> None:
    member.no_asks = no_asks
    session.add(member)
    session.flush()
