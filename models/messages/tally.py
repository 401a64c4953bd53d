"""What one person lately caused to be sent to colleagues, and which of their commands were refused: both have limits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Index
from sqlmodel import Field, Session, SQLModel, col, delete

from models.db import id_field, ref
from models.messages.outgoing import leave
from models.refusal import TooManyMessages, TriesUsedUp
from models.statement import Statement

HOUR = timedelta(hours=1)
TO_ONE, IN_ALL = 10, 30
"""Messages an hour that one person causes and that answer nothing: to one colleague, and in all."""
TRIES = 5
"""Refused lends, or refused asks, in an hour; then that command rests for an hour."""
SENT = "message"


class Tally(SQLModel, table=True):
    """`what`: a message that reached `other_id`, or the command that was refused."""

    __table_args__ = (Index("ix_tally_lately", "member_id", "what", "at"),)

    id: int = id_field()
    member_id: int = ref("member.id")
    what: str
    other_id: int | None = ref("member.id", nullable=True)
    at: datetime = Field()


class Counted(NamedTuple):
    what: str
    other_id: int | None
    at: datetime


_LATELY = Statement(
    "SELECT what, other_id, at FROM tally WHERE member_id = :member AND what = :what AND at > :since ORDER BY at DESC",
    row=Counted,
)
_TALLIES = "tallies"
"""The key of `Session.info` for the rows of one member within two hours, where a request has read them."""


def remember(session: Session, member: int, rows: Iterable[Counted]) -> None:
    """Keep for the transaction what another statement read: all rows of the member within two hours."""
    session.info[_TALLIES] = member, list(rows)


def _lately(session: Session, member: int, what: str, since: datetime) -> list[Counted]:
    """Newest first; `since` is at most two hours ago."""
    known, rows = session.info.get(_TALLIES, (None, ()))
    if known != member:
        session.flush()
        return _LATELY.all(session, member=member, what=what, since=since)
    found = [one for one in rows if one.what == what and one.at > since]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _count(session: Session, member: int, what: str, other: int | None, at: datetime) -> None:
    leave(session, "tally", {"member_id": member, "what": what, "other_id": other, "at": at})
    known, rows = session.info.get(_TALLIES, (None, []))
    if known == member:
        rows.append(Counted(what, other, at))


def may_write_from(session: Session, sender: int, receiver: int, now: datetime) -> datetime:
    """From when on `sender` may cause another message to `receiver`: `now`, or a later moment."""
    sent = _lately(session, sender, SENT, now - HOUR)
    to_one = [one for one in sent if one.other_id == receiver]
    full = [
        some[most - 1].at + HOUR for some, most in ((to_one, TO_ONE), (sent, IN_ALL)) if len(some) >= most
    ]
    return max((now, *full))


def count_message(session: Session, sender: int, receiver: int, now: datetime) -> None:
    """Raises `TooManyMessages` when it is one too many."""
    since = may_write_from(session, sender, receiver, now)
    if since > now:
        raise TooManyMessages(since)
    _count(session, sender, SENT, receiver, now)


def count_refusal(session: Session, member: int, command: str, now: datetime) -> None:
    _count(session, member, command, None, now)


def require_tries(session: Session, member: int, command: str, now: datetime) -> None:
    """Raises `TriesUsedUp` for an hour after the fifth refusal within an hour."""
    refused = _lately(session, member, command, now - 2 * HOUR)
    for last, first in zip(refused, refused[TRIES - 1 :], strict=False):
        if last.at - first.at <= HOUR and last.at + HOUR > now:
            raise TriesUsedUp(last.at + HOUR)


def forget_tallies(session: Session, now: datetime) -> None:
    session.execute(delete(Tally).where(col(Tally.at) < now - 2 * HOUR))
