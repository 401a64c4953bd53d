"""Take over a changed roster: members, managers, addresses. Set-based: a first import has 100,000 people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from models.people.member import Address, Member
from models.people.messenger import id_columns
from models.people.roster import Changes, Difference, Known, Roster, Row, elsewhere, wanted

CHUNK = 5_000

T = TypeVar("T")


def take_over(session: Session, changes: Changes, now: datetime) -> dict[str, int]:
    """Write joiners and changes, and return {e-mail: member id}. Leavers are not written here."""
    roster = changes.roster or Roster(session)
    ids = _write_members(session, changes, roster, now)
    _write_managers(session, changes.written, ids)
    _write_addresses(session, changes.written, ids, roster)
    session.expire_all()
    return ids


def members_of(session: Session, ids: Iterable[int]) -> Iterator[Member]:
    for chunk in _chunks(ids):
        query = select(Member).where(col(Member.id).in_(chunk)).order_by(col(Member.id))
        yield from session.exec(query).all()


def _write_members(session: Session, changes: Changes, roster: Roster, now: datetime) -> dict[str, int]:
    # Managers and addresses come later: a manager may be further down in the same file.
    fresh = [one.row for one in changes.join if one.member_id is None]
    for chunk in _chunks(fresh):
        rows = [_stored(row, None) | {"joined_at": now, "left_at": None, "paused_at": None} for row in chunk]
        session.execute(insert(Member), rows)
    known = [one for one in changes.written if one.member_id is not None]
    for some in _chunks(known):
        rows = [
            _stored(one.row, roster.by_email[one.row.email]) | {"id": one.member_id, "left_at": None}
            for one in some
        ]
        session.execute(update(Member), rows)
    if fresh:
        return dict(session.exec(select(Member.email, Member.id)).all())
    return {email: one.id for email, one in roster.by_email.items()}


def _stored(row: Row, known: Known | None) -> dict[str, Any]:
    becomes, extra = wanted(row, known)
    said = {name: row.says(name) or (known.said.get(name, "") if known else "") for name in elsewhere()}
    said |= {"gateway_id": becomes["gateway_id"], "manager_email": becomes["manager_email"]}
    plain = ("name", "email", "gateway_id", "team", "role", "employment")
    return {name: becomes[name] for name in plain} | {
        "locale": becomes["locale"] or None,
        "timezone": becomes["timezone"] or None,
        "extra": extra | {name: value for name, value in said.items() if value},
    }


def _write_managers(session: Session, written: Iterable[Difference], ids: Mapping[str, int]) -> None:
    emails = ((one.row.email, one.becomes("manager_email")) for one in written)
    pairs = (
        (ids[email], ids[manager] if manager else None) for email, manager in emails if manager is not None
    )
    for chunk in _chunks(pairs):
        rows = [{"id": member_id, "manager_id": manager_id} for member_id, manager_id in chunk]
        session.execute(update(Member), rows)


def _write_addresses(
    session: Session, written: Iterable[Difference], ids: Mapping[str, int], roster: Roster
) -> None:
    # `Address.give` for everybody: it replaces a member's old address, and the same address of another member.
    old: set[str] = set()
    new = []
    for one in written:
        for column, messenger in id_columns().items():
            if after := one.becomes(column):
                address = f"{messenger}:{after}"
                before = f"{messenger}:{one.fields[column][0]}" if one.fields else ""
                old.update(each for each in (before, address) if each in roster.holders)
                new.append({"address": address, "messenger": messenger, "member_id": ids[one.row.email]})
    for gone in _chunks(sorted(old)):
        session.execute(delete(Address).where(col(Address.address).in_(gone)))
    for given in _chunks(new):
        session.execute(insert(Address), given)


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
