"""What the admins have to hear about the messengers themselves; the same alarm once a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from handlers.approval.cards import policy_admins
from handlers.context import Context
from handlers.words.text import Text
from models.messages.message import Message
from models.policy import versions


def tell_admins(
    session: Session, text: Text, now: datetime, *, about: str, facts: Mapping[str, Any] | None = None
) -> bool:
    """Promise to say it to every admin, unless it was said today; False when there is nobody to tell."""
    current = versions.current(session)
    if current is None:
        return False
    key = f"alarm:{about}:{now:%Y-%m-%d}"
    ctx = Context(session=session, now=now, key=key, version=current[0], policy=current[1])
    told = [
        ctx.tell(admin, Message(text=text(ctx.reader_of(admin).locale, **(facts or {}))))
        for admin in policy_admins(session, current[1])
    ]
    return any(told)
