"""Receipts: the answer to a key. The same key gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import JSON, Index
from sqlmodel import Field, Session, SQLModel, col, delete, update

from models.db import ref
from models.messages.outgoing import leave
from models.refusal import KeyReused
from models.statement import Statement

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
    key: str
    fingerprint: str
    answer: dict[str, Any] | None


class _Said(NamedTuple):
    """What was read with the sender of a request: receipts of its keys, and when its words last moved something."""

    receipts: dict[str, _Known | None]
    words: tuple[int, str] | None
    moved_at: datetime | None


_SAID = "said"
"""The key of `Session.info` for it."""
_KNOWN = Statement("SELECT key, fingerprint, answer FROM receipt WHERE key = :key", row=_Known)


def remember(
    session: Session, keys: Sequence[str], found: Sequence[Sequence[Any]], member: int | None, fingerprint: str,
    moved_at: datetime | None,
) -> None:  # fmt: skip
    """Keep for the transaction what another statement read: (key, fingerprint, answer) of those of `keys` that have a receipt."""
    kept: dict[str, _Known | None] = dict.fromkeys(keys)
    kept |= {key: _Known(key, words, json.loads(answer) if answer else None) for key, words, answer in found}
    session.info[_SAID] = _Said(kept, (member, fingerprint) if member else None, moved_at)


def answered(session: Session, key: str, fingerprint: str) -> tuple[bool, dict[str, Any] | None]:
    """Whether `key` was answered, and the answer. Raises `KeyReused` when it came with other words."""
    said: _Said | None = session.info.get(_SAID)
    found = said.receipts[key] if said and key in said.receipts else _KNOWN.first(session, key=key)
    if found is None:
        return False, None
    if found.fingerprint != fingerprint:
        raise KeyReused
    return True, found.answer


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
    row = {
        "key": key,
        "fingerprint": fingerprint,
        "answer": answer,
        "member_id": member,
        "moved": moved,
        "at": at,
    }
    leave(session, "receipt", row)


def moved_lately(
    session: Session, member_id: int, fingerprint: str, now: datetime, within: timedelta
) -> bool:
    """Whether this member moved quota with the same words a moment ago: people retype after a time-out."""
    said: _Said | None = session.info.get(_SAID)
    if said is not None and said.words == (member_id, fingerprint):
        return said.moved_at is not None and said.moved_at > now - within
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
