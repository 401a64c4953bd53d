"""Receipts: the answer to a key. The same key gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import JSON, Index
from sqlmodel import Field, Session, SQLModel, col, delete, update

from models.db import Statement, ref
from models.refusal import KeyReused

KEPT = timedelta(days=35)
"""Longer than any chat redelivers and than one period."""


class Receipt(SQLModel, table=True):
    """`answer` is empty when the answer was a form. `moved`: quota or authority changed."""

    __table_args__ = (Index("ix_receipt_same", "member_id", "fingerprint", "at"),)

    key: str = Field(primary_key=True)
    fingerprint: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    member_id: int | None = ref("member.id", nullable=True)
    moved: bool = False
    at: datetime = Field(index=True)


def fingerprint_of(sender: str, words: Sequence[str]) -> str:
    """Equal for requests that differ in their key alone."""
    line = json.dumps([sender, *(" ".join(word.split()) for word in words)], ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()[:32]


class _Known(NamedTuple):
    fingerprint: str
    answer: dict[str, Any] | None


_KNOWN = Statement("SELECT fingerprint, answer FROM receipt WHERE key = :key", row=_Known)


def answered(session: Session, key: str, fingerprint: str) -> tuple[bool, dict[str, Any] | None]:
    """Whether `key` was answered, and the answer. Raises `KeyReused` when it came with other words."""
    found = _KNOWN.first(session, key=key)
    if found is None:
        return False, None
    if found.fingerprint != fingerprint:
        raise KeyReused
    return True, found.answer


_KEEP = Statement(
    "INSERT INTO receipt (key, fingerprint, answer, member_id, moved, at) "
    "VALUES (:key, :fingerprint, :answer, :member, :moved, :at)"
)


def keep(
    session: Session,
    key: str,
    fingerprint: str,
    answer: dict[str, Any] | None,
    *,
    member: int | None,
    moved: bool,
    at: datetime,
) -> None:
    # Of two transactions that answer one key, the database refuses the second; it runs again.
    line = json.dumps(answer, ensure_ascii=False)
    _KEEP.changed(session, key=key, fingerprint=fingerprint, answer=line, member=member, moved=moved, at=at)


def moved_lately(
    session: Session, member_id: int, fingerprint: str, now: datetime, within: timedelta
) -> bool:
    """Whether this member moved quota with the same words a moment ago: people retype after a time-out."""
    return _LATELY.first(session, member=member_id, fingerprint=fingerprint, since=now - within) is not None


_LATELY = Statement(
    "SELECT key FROM receipt WHERE member_id = :member AND fingerprint = :fingerprint AND moved AND at > :since LIMIT 1"
)


def renew(session: Session, key: str, at: datetime) -> None:
    # The answer was late, so the same words soon after are a retype.
    session.execute(update(Receipt).where(col(Receipt.key) == key).values(at=at))


def drop(session: Session, key: str) -> None:
    session.execute(delete(Receipt).where(col(Receipt.key) == key))


def probe(session: Session, now: datetime) -> None:
    """Write a row, to see whether a write succeeds."""
    _PROBE.changed(session, at=now)


_PROBE = Statement(
    "INSERT INTO receipt (key, fingerprint, moved, at) VALUES ('probe', '', false, :at) "
    "ON CONFLICT (key) DO UPDATE SET at = excluded.at"
)


def forget_old(session: Session, now: datetime) -> None:
    session.execute(delete(Receipt).where(col(Receipt.at) < now - KEPT))
