"""Delegation: a member hands their approvals to one colleague until a moment; a newer delegation replaces the older."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, SQLModel, col, select

from models.db import id_field, ref
from models.people.authority import What, member_ref, record_authority
from models.people.member import Member, lock_members


class Delegation(SQLModel, table=True):
    id: int = id_field()
    from_id: int = ref("member.id", index=True)
    to_id: int = ref("member.id", index=True)
    from_at: datetime
    until_at: datetime

    @property
    def words(self) -> str:
        return f"{member_ref(self.to_id)} until {self.until_at.astimezone(UTC).isoformat()}"


def delegate(session: Session, member: Member, to: Member, until: datetime, now: datetime) -> list[Member]:
    """Let `to`, and nobody else, decide in the place of `member` until `until` (exclusive).

    Returns the delegates that this replaces.
    """
    lock_members(session, [member.id])
    replaced = [one for one in undelegate(session, member, now) if one.id != to.id]
    given = Delegation(from_id=member.id, to_id=to.id, from_at=now, until_at=until)
    session.add(given)
    session.flush()
    record_authority(
        session, What.DELEGATION, member.id, "", given.words, at=now, actor=member_ref(member.id)
    )
    return replaced


def undelegate(session: Session, member: Member, now: datetime) -> list[Member]:
    """Returns the delegates who are still colleagues."""
    query = select(Delegation).where(Delegation.from_id == member.id, Delegation.until_at > now)
    ended: dict[int, Member] = {}
    for one in session.exec(query.order_by(col(Delegation.id))).all():
        ended[one.to_id] = session.get_one(Member, one.to_id)
        end_delegation(session, one, now, member_ref(member.id))
    session.flush()
    return [one for one in ended.values() if one.active]


def end_delegation(session: Session, given: Delegation, now: datetime, actor: str) -> None:
    session.delete(given)
    record_authority(session, What.DELEGATION, given.from_id, given.words, "", at=now, actor=actor)
