"""Delegation: a member hands their approvals to a colleague until a day."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, SQLModel, col, select

from models.db import id_field, ref
from models.people.authority import What, member_ref, record_authority
from models.people.member import Member, reachable


class Delegation(SQLModel, table=True):
    id: int = id_field()
    from_id: int = ref("member.id", index=True)
    to_id: int = ref("member.id", index=True)
    from_at: datetime
    until_at: datetime

    @property
    def words(self) -> str:
        """As the record of authority names it."""
        return f"{member_ref(self.to_id)} until {self.until_at.astimezone(UTC).isoformat()}"


def delegate(session: Session, member: Member, to: Member, until: datetime, now: datetime) -> None:
    """Let `to` decide in the place of `member` from now until `until` (exclusive), beside earlier delegates."""
    given = Delegation(from_id=member.id, to_id=to.id, from_at=now, until_at=until)
    session.add(given)
    record_authority(
        session, What.DELEGATION, member.id, "", given.words, at=now, actor=member_ref(member.id)
    )


def end_delegation(session: Session, given: Delegation, now: datetime, actor: str) -> None:
    """End a delegation before its day."""
    session.delete(given)
    record_authority(session, What.DELEGATION, given.from_id, given.words, "", at=now, actor=actor)


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
