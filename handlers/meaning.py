"""What a sentence may have meant: kept for ten minutes, so that the button pressed reads it that way."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from handlers.command import Command
from handlers.context import RequestContext
from models.messages import confirmation
from models.quota.code import new_code
from models.refusal import NothingToConfirm

ACTION = "meant.open"
_WANTS = "meaning"


def offer(ctx: RequestContext, meant: dict[str, Command]) -> None:
    """Keep the readings, without the sentence. A question that waits for its answer goes on waiting."""
    waits = _waiting(ctx)
    if waits is not None and waits.get("wants") != _WANTS:
        return
    kept = {
        "intent": "none",
        "wants": _WANTS,
        "place": ctx.place,
        "meant": {
            intent: replace(one, text="", reason=one.reason[:200]).as_json() for intent, one in meant.items()
        },
    }
    confirmation.keep(ctx.session, ctx.me.id, new_code(ctx.session), kept, ctx.now)


def chosen(ctx: RequestContext, intent: str) -> Command | None:
    """The sentence read as this intent, once, to be confirmed."""
    kept = _waiting(ctx) or {}
    if kept.get("wants") != _WANTS or kept.get("place") != ctx.place or intent not in kept["meant"]:
        return None
    with suppress(NothingToConfirm):
        confirmation.take(ctx.session, ctx.me.id, ctx.now)
        return replace(Command.from_json(kept["meant"][intent]), confidence="unclear")
    return None


def _waiting(ctx: RequestContext) -> dict[str, Any] | None:
    with suppress(NothingToConfirm):
        return confirmation.waiting(ctx.session, ctx.me.id, ctx.now).command
    return None
