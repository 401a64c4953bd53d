"""Who may ask somebody to lend: their own settings, told to nobody else."""

from __future__ import annotations

from handlers.context import RequestContext
from handlers.words import texts
from models.messages.message import Message
from models.people.member import Member
from models.people.mute import Mute, take_no_asks
from models.refusal import WrongUsage


def no_asks(ctx: RequestContext) -> Message:
    take_no_asks(ctx.session, ctx.me, no_asks=True)
    return Message(text=texts.NO_ASKS(ctx.reader.locale))


def allow_asks(ctx: RequestContext) -> Message:
    take_no_asks(ctx.session, ctx.me, no_asks=False)
    return Message(text=texts.ASKS_ALLOWED(ctx.reader.locale))


def mute(ctx: RequestContext, other: Member) -> Message:
    if other.id == ctx.me.id:
        raise WrongUsage("mute")
    Mute.begin(ctx.session, ctx.me, other, ctx.now)
    return Message(text=texts.MUTED(ctx.reader.locale, name=other.name, word=other.word))


def unmute(ctx: RequestContext, other: Member) -> Message:
    done = Mute.end(ctx.session, ctx.me, other)
    return Message(text=(texts.UNMUTED if done else texts.NOT_MUTED)(ctx.reader.locale, name=other.name))
