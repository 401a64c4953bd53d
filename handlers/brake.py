"""`pause` and `continue`: members stop their own spending."""

from __future__ import annotations

from handlers.balance import balance
from handlers.context import Reader, RequestContext
from handlers.words import texts
from models.messages.message import Button, Message
from models.metering import brake
from models.metering.accounts import accounts_of


def pause(ctx: RequestContext) -> Message:
    # Without a limit that a gateway enforces, nothing can stop the spending, and the answer says so.
    reader = ctx.reader
    if not ctx.live or not accounts_of(ctx.session, ctx.me.id):
        return Message(text=texts.PAUSE_CANNOT(reader.locale))
    brake.pause(ctx.session, ctx.me, ctx.now)
    return Message(
        text=texts.PAUSED(reader.locale), buttons=(continue_button(reader),), facts=balance(ctx).facts[:1]
    )


def keep_going(ctx: RequestContext) -> Message:
    brake.resume(ctx.session, ctx.me)
    return Message(text=texts.CONTINUED(ctx.reader.locale))


def continue_button(reader: Reader) -> Button:
    return Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue", typed="continue")


def pause_button(reader: Reader) -> Button:
    return Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", style="danger", typed="pause")
