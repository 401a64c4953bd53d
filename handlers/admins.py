"""Alarms about the messengers for the admins, each at most once a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from handlers.approval.cards import policy_admins
from handlers.context import Context
from handlers.words.text import Text
from models.messages.message import Message


def tell_admins(
    session: Session, text: Text, now: datetime, *, about: str, facts: Mapping[str, Any] | None = None
) -> bool:
    """Promise to tell every admin, once a day for each `about`; False when nobody can be told."""
    ctx = Context.of(session, now, f"alarm:{about}:{now:%Y-%m-%d}")
    if ctx is None:
        return False
    told = [
        ctx.tell(admin, Message(text=text(ctx.reader_of(admin).locale, **(facts or {}))))
        for admin in policy_admins(session, ctx.policy)
    ]
    return any(told)
