"""Delegation: a member hands their approvals to a colleague until a day."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, SQLModel, col, select

from models.db import id_field, ref
from models.people.member import Member, reachable


class Delegation(SQLModel, table=True):
    id: int = id_field()
    from_id: int = ref("member.id", index=True)
    to_id: int = ref("member.id", index=True)
    from_at: datetime
    until_at: datetime


def delegate(session: Session, member: Member, to: Member, until: datetime, now: datetime) -> None:
    """Let `to` decide in the place of `member` from now until `until` (exclusive), beside earlier delegates."""
    session.add(Delegation(from_id=member.id, to_id=to.id, from_at=now, until_at=until))


def delegates(session: Session, member_id: int, now: datetime) -> tuple[Member, ...]:
    """The reachable members who decide in this member's place now."""
    query = (
        select(Member)
        .join(Delegation, col(Delegation.to_id) == Member.id)
        .where(
            Delegation.from_id == member_id,
            Delegation.from_at <= now,
            Delegation.until_at > now,
            col(Member.left_at).is_(None),
        )
    )
    return tuple(one for one in session.exec(query).all() if reachable(session, one.id))
