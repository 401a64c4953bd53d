"""A messenger's directory held against our members: present, gone, and facts kept in `Member.extra`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.people.member import Address, Member

GONE = "gone"
"""The status of an address that its messenger no longer knows."""
MARK = "directory"
"""The key of `Member.extra` that names the messenger whose directory was taken over."""


def addresses_known(session: Session, messenger: str) -> set[str]:
    """Addresses of active members, without those that are gone from the messenger."""
    query = (
        select(Address.address)
        .join(Member)
        .where(
            Address.messenger == messenger,
            col(Member.left_at).is_(None),
            col(Address.status).is_distinct_from(GONE),
        )
    )
    return set(session.exec(query).all())


def count_unknown_everywhere(session: Session) -> int:
    """Active members without a usable address: nothing can be told to them."""
    reached = select(Address.member_id).where(col(Address.status).is_distinct_from(GONE))
    query = select(func.count()).select_from(Member)
    return session.exec(query.where(col(Member.left_at).is_(None), col(Member.id).not_in(reached))).one()


def is_taken_over(session: Session, messenger: str) -> bool:
    """Whether a sync has taken this directory over. Otherwise a nightly read changes nobody."""
    marked = col(Member.extra)[MARK].as_string() == messenger
    return session.exec(select(Member.id).where(marked, col(Member.left_at).is_(None))).first() is not None


def mark_gone(session: Session, addresses: Iterable[str], now: datetime) -> None:
    for one in addresses:
        address = session.get(Address, one)
        if address is not None:
            address.status, address.status_at = GONE, now
            session.add(address)


def note(session: Session, messenger: str, facts: Mapping[str, Mapping[str, str]]) -> None:
    """Mark the members at these addresses as taken over, and keep the directory's facts as extra columns."""
    query = select(Address.address, Member).join(Member).where(Address.messenger == messenger)
    for address, member in session.exec(query).all():
        if address not in facts or not member.active:
            continue
        noted = {**member.extra, MARK: messenger, **facts[address]}
        if noted != member.extra:
            member.extra = noted
            session.add(member)
    session.flush()
