"""The admins of the policy, and alarms about the messengers for them, each at most once a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from handlers.context import Context
from handlers.words.text import Text
from models.messages.message import Message
from models.people.member import Member
from models.policy.document import Policy


def policy_admins(session: Session, policy: Policy) -> list[Member]:
    found = [Member.by_email(session, email) for email in policy.admins]
    return [one for one in found if one is not None and one.active]


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
