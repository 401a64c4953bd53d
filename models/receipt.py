"""A request already answered, and its answer: the same key gets the same answer for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, Session, SQLModel, col, delete, select

from models.base import ref, stored_time
from models.refusal import KeyReused

KEPT = timedelta(days=35)
"""Longer than any chat redelivers and than one period."""


class Receipt(SQLModel, table=True):
    __table_args__ = (Index("ix_receipt_same", "member_id", "fingerprint", "at"),)

    key: str = Field(primary_key=True)
    fingerprint: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    member_id: int | None = ref("member.id", nullable=True)
    moved: bool = False
    at: datetime = Field(index=True)


def fingerprint(sender: str, words: Sequence[str]) -> str:
    """What makes two requests the same but for their key."""
    said = json.dumps([sender, *(" ".join(word.split()) for word in words)], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


_KNOWN = text("SELECT fingerprint, answer FROM receipt WHERE key = :key")


def answered(session: Session, key: str, print_: str) -> tuple[bool, dict[str, Any] | None]:
    """Whether `key` was answered, and how; raises `KeyReused` when it came with other words then."""
    found = session.connection().execute(_KNOWN, {"key": key}).first()
    if found is not None and found.fingerprint != print_:
        raise KeyReused
    return found is not None, _read(found.answer) if found is not None else None


def _read(answer: Any) -> dict[str, Any] | None:
    """JSON comes as text from SQLite and as a value from Postgres."""
    read: dict[str, Any] | None = json.loads(answer) if isinstance(answer, str) else answer
    return read


_KEEP = text(
    "INSERT INTO receipt (key, fingerprint, answer, member_id, moved, at) "
    "VALUES (:key, :fingerprint, :answer, :member, :moved, :at)"
)


def keep(
    session: Session,
    key: str,
    print_: str,
    answer: dict[str, Any] | None,
    *,
    member: int | None,
    moved: bool,
    at: datetime,
) -> None:
    """Remember the answer; whoever else answers this key at this moment is refused by the database and asks again."""
    words = {
        "key": key,
        "fingerprint": print_,
        "answer": json.dumps(answer, ensure_ascii=False),
        "member": member,
        "moved": moved,
    }
    session.connection().execute(_KEEP, words | {"at": stored_time(session, at)})


def said_lately(session: Session, member_id: int, print_: str, now: datetime, within: timedelta) -> bool:
    """Whether this person moved quota with the very same words a moment ago: people retype after a time-out."""
    query = select(Receipt.key).where(
        Receipt.member_id == member_id,
        Receipt.fingerprint == print_,
        col(Receipt.moved).is_(True),
        Receipt.at > now - within,
    )
    return session.exec(query.limit(1)).first() is not None


def forget_old(session: Session, now: datetime) -> None:
    session.execute(delete(Receipt).where(col(Receipt.at) < now - KEPT))
