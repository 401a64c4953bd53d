"""What a sentence may have meant: kept for ten minutes, so that the button pressed reads it that way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from handlers.command import Command
from handlers.context import RequestContext
from models.messages import confirmation
from models.quota.code import new_code
from models.refusal import NothingToConfirm

ACTION = "meant.open"
_WANTS = "meaning"


def offer(ctx: RequestContext, meant: dict[str, Command], said: str) -> None:
    """Keep the readings, without the sentence. `said`: the key under which the choice is counted, or empty."""
    kept = {
        "intent": "none",
        "wants": _WANTS,
        "place": ctx.place,
        "said": said,
        "meant": {
            intent: replace(one, text="", reason=one.reason[:200]).as_json() for intent, one in meant.items()
        },
    }
    confirmation.keep(ctx.session, ctx.me.id, new_code(ctx.session), kept, ctx.now)


def chosen(ctx: RequestContext, intent: str) -> tuple[Command, str] | None:
    """The sentence read as this intent, once, to be confirmed; and the key under which the choice is counted."""
    with suppress(NothingToConfirm):
        kept = confirmation.waiting(ctx.session, ctx.me.id, ctx.now).command
        if kept.get("wants") == _WANTS and kept.get("place") == ctx.place and intent in kept["meant"]:
            confirmation.take(ctx.session, ctx.me.id, ctx.now)
            return replace(Command.from_json(kept["meant"][intent]), confidence="unclear"), kept["said"]
    return None
