"""A message that reaches nobody: who caused it and the admins are told, so that somebody takes care of it."""

from __future__ import annotations

from handlers.admins import admin_channels, policy_admins, to_admins
from handlers.context import Context, Reader
from handlers.words import texts
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member
from models.quota.request import REQUEST


def tell(ctx: Context, effect: Effect) -> None:
    """Tell of a message that was set aside, each person at most once a day for each who cannot be reached.

    Cards of requests are left to `handlers.rerouting`: another approver is asked, and that is what people hear.
    """
    if effect.kind != "say" or (effect.about or "").startswith(REQUEST):
        return
    reader_id, sender_id = effect.payload.get("reader"), effect.payload.get("sender")
    if reader_id is not None:
        reader = ctx.session.get_one(Member, reader_id)
        _tell_admins(ctx, reader, effect)
        if sender_id not in (None, reader_id):
            _tell_sender(ctx, ctx.session.get_one(Member, sender_id), reader)
    elif effect.payload["address"] in admin_channels(ctx.policy).values():
        _tell_of_channel(ctx, effect)


def _tell_sender(ctx: Context, sender: Member, reader: Member) -> None:
    if _first_today(ctx, f"{sender.id}:{reader.id}"):
        text = texts.NOT_DELIVERED(ctx.reader_of(sender).locale, name=reader.name)
        ctx.tell(sender, Message(text=text))


def _tell_admins(ctx: Context, reader: Member, effect: Effect) -> None:
    if not reader.active or not _first_today(ctx, f"admins:{reader.id}"):
        return

    def said(to: Reader) -> Message:
        return Message(text=texts.UNREACHABLE(to.locale, name=reader.name, reason=effect.error or ""))

    to_admins(ctx, said, but=[reader.id, effect.payload.get("sender") or 0])


def _tell_of_channel(ctx: Context, effect: Effect) -> None:
    if not _first_today(ctx, f"channel:{effect.payload['address']}"):
        return
    for admin in policy_admins(ctx.session, ctx.policy):
        say = ctx.reader_of(admin).locale
        ctx.tell(admin, Message(text=texts.CHANNEL_UNREACHABLE(say, reason=effect.error or "")))


def _first_today(ctx: Context, about: str) -> bool:
    return ctx.first_time(f"undelivered:{about}:{ctx.now:%Y-%m-%d}")
