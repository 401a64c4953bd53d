"""The admins of the policy, their channels, and alarms for them, each at most once a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from handlers.context import Context, Reader
from handlers.words.text import Text
from models.messages.message import Message
from models.people.member import Member
from models.people.messenger import traits_of
from models.policy.document import Policy


def policy_admins(session: Session, policy: Policy) -> list[Member]:
    found = [Member.by_email(session, email) for email in policy.admins]
    return [one for one in found if one is not None and one.active]


def admin_channels(policy: Policy) -> dict[str, str]:
    """{messenger: address of its admin channel}, where the policy names one."""
    return {messenger: f"{messenger}:{place}" for messenger, place in policy.admin_channel.items() if place}


def to_admins(
    ctx: Context, said: Callable[[Reader], Message], *, but: int | Collection[int] | None = None
) -> bool:
    """Promise to tell every admin and every admin channel. False when nobody can be told.

    `but`: members who hear of it anyway.
    """
    others = (but,) if isinstance(but, int) else but or ()
    told = [
        ctx.tell(one, said(ctx.reader_of(one)))
        for one in policy_admins(ctx.session, ctx.policy)
        if one.id not in others
    ]
    channels = admin_channels(ctx.policy)
    for messenger, address in channels.items():
        locale = traits_of(messenger).language
        reader = Reader(locale, ZoneInfo(ctx.policy.timezone), ctx.policy.unit)
        ctx.post(address, said(reader).spoken(locale))
    return any(told) or bool(channels)


def tell_admins(
    session: Session, text: Text, now: datetime, *, about: str, facts: Mapping[str, Any] | None = None
) -> bool:
    """Promise to tell the admins, once a day for each `about`. False when nobody can be told."""
    ctx = Context.of(session, now, f"alarm:{about}:{now:%Y-%m-%d}")
    if ctx is None:
        return False
    return to_admins(ctx, lambda reader: Message(text=text(reader.locale, **(facts or {}))))
