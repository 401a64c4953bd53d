"""A request already answered, and its answer: the same key gets the same answer for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, Session, SQLModel, col, delete, select

from models.base import ref
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


def answered(session: Session, key: str, print_: str) -> Receipt | None:
    """The receipt of `key`; raises `KeyReused` when it came with other words then."""
    found = session.get(Receipt, key)
    if found is not None and found.fingerprint != print_:
        raise KeyReused
    return found


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
