"""Sentences that nobody understood, without people, numbers and rare words: for admins, where the policy says so.

Nobody can say who wrote one. Of each person only one of sixteen marks is set, by a salt of the row; three marks are at
least three people, and then the salt is thrown away. A row lives for 30 days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from secrets import token_hex
from typing import Any, NamedTuple

from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col, delete, select

from models.db import id_field
from models.statement import Statement

KEPT = timedelta(days=30)
PEOPLE = 3
"""From so many people on admins see it."""
MARKS = 16
MOST = 5_000
"""Rows at most: a flood of nonsense fills no disk."""


class Skeleton(SQLModel, table=True):
    """`since`: the day it was first written. `labels`: how often each button was pressed below it."""

    id: int = id_field()
    text: str = Field(unique=True)
    since: date
    salt: str
    marks: int = 0
    labels: dict[str, int] = Field(default_factory=dict, sa_type=JSON)


class Seen(NamedTuple):
    """A sentence of at least `PEOPLE` people, and the intents that they chose, the most frequent first."""

    text: str
    since: date
    labels: Mapping[str, int]


def note(session: Session, text: str, member: int, today: date) -> int | None:
    """Count a sentence; returns its row. None where there are too many rows."""
    words: dict[str, Any] = {"text": text, "since": today, "salt": token_hex(8), "most": MOST}
    _ADD.changed(session, **words)
    row = _ROW.first(session, text=text)
    if row is None:
        return None
    if row.salt:
        marks = row.marks | _mark(row.salt, member)
        known = marks.bit_count() >= PEOPLE
        _MARK.changed(session, id=row.id, mark=marks, salt="" if known else row.salt)
    return row.id


def label(session: Session, row: int, intent: str) -> None:
    """The button that was pressed below it."""
    found = session.get(Skeleton, row, with_for_update=True)
    if found is not None:
        found.labels = found.labels | {intent: found.labels.get(intent, 0) + 1}
        session.add(found)


def seen(session: Session) -> list[Seen]:
    session.flush()
    rows = session.exec(select(Skeleton).order_by(col(Skeleton.id))).all()
    return [
        Seen(one.text, one.since, _most_first(one.labels)) for one in rows if one.marks.bit_count() >= PEOPLE
    ]


def forget_skeletons(session: Session, today: date) -> None:
    session.execute(delete(Skeleton).where(col(Skeleton.since) <= today - KEPT))


def _mark(salt: str, member: int) -> int:
    digest = hashlib.blake2b(str(member).encode(), key=bytes.fromhex(salt), digest_size=2).digest()
    return 1 << int.from_bytes(digest) % MARKS


def _most_first(labels: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(labels.items(), key=lambda one: (-one[1], one[0])))


class _Row(NamedTuple):
    id: int
    salt: str
    marks: int


_ADD = Statement(
    "INSERT INTO skeleton (text, since, salt, marks, labels) SELECT :text, :since, :salt, 0, '{}' "
    "WHERE (SELECT COUNT(*) FROM skeleton) < :most ON CONFLICT (text) DO NOTHING"
)
_ROW = Statement("SELECT id, salt, marks FROM skeleton WHERE text = :text", row=_Row)
# Marks of two transactions at once both stay.
_MARK = Statement(
    "UPDATE skeleton SET marks = marks | :mark, salt = CASE WHEN salt = '' THEN '' ELSE :salt END WHERE id = :id"
)
