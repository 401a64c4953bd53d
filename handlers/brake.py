"""`pause` and `continue`: members stop their own spending, and lift that again."""

from __future__ import annotations

from handlers.balance import balance
from handlers.context import Reader, RequestContext
from handlers.words import texts
from models.messages.message import Button, Message
from models.metering import brake


def pause(ctx: RequestContext) -> Message:
    brake.pause(ctx.session, ctx.me, ctx.now)
    reader = ctx.reader
    return Message(
        text=texts.PAUSED(reader.locale), buttons=(continue_button(reader),), facts=balance(ctx).facts[:1]
    )


def keep_going(ctx: RequestContext) -> Message:
    """The member saw an alert and means the spend; a pause is lifted."""
    brake.resume(ctx.session, ctx.me)
    return Message(text=texts.CONTINUED(ctx.reader.locale))


def continue_button(reader: Reader) -> Button:
    return Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue", typed="continue")


def pause_button(reader: Reader) -> Button:
    return Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", style="danger", typed="pause")
