"""What a sentence may have meant: kept for ten minutes, so that the button pressed reads it that way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from handlers.command import Command
from handlers.context import RequestContext
from models.messages import confirmation, skeleton
from models.quota.code import new_code
from models.refusal import NothingToConfirm

ACTION = "meant.open"
_WANTS = "meaning"


def offer(ctx: RequestContext, meant: dict[str, Command], sentence: str) -> None:
    """Keep the readings, without the sentence. A question that waits for its answer goes on waiting."""
    learnt = _learnt(ctx, sentence) if ctx.policy.learning else None
    waits = _waiting(ctx)
    if waits is not None and waits.get("wants") != _WANTS:
        return
    kept = {
        "intent": "none",
        "wants": _WANTS,
        "place": ctx.place,
        "skeleton": learnt,
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
    learn(ctx, intent)
    with suppress(NothingToConfirm):
        confirmation.take(ctx.session, ctx.me.id, ctx.now)
        return replace(Command.from_json(kept["meant"][intent]), confidence="unclear")
    return None


def learn(ctx: RequestContext, intent: str) -> None:
    """Which button was pressed below the sentence."""
    kept = (_waiting(ctx) or {}) if ctx.policy.learning else {}
    if kept.get("wants") == _WANTS and kept.get("place") == ctx.place and kept.get("skeleton"):
        with _apart(ctx):
            skeleton.label(ctx.session, kept["skeleton"], intent)


def _learnt(ctx: RequestContext, sentence: str) -> int | None:
    from handlers.language.skeletons import skeleton_of  # noqa: PLC0415 - the patterns are loaded after the start

    if kept := skeleton_of(sentence):
        with _apart(ctx):
            return skeleton.note(ctx.session, kept, ctx.me.id, ctx.now.date())
    return None


@contextmanager
def _apart(ctx: RequestContext) -> Iterator[None]:
    # What is learnt never costs an answer.
    with suppress(DBAPIError), ctx.session.begin_nested():
        yield


def _waiting(ctx: RequestContext) -> dict[str, Any] | None:
    with suppress(NothingToConfirm):
        return confirmation.waiting(ctx.session, ctx.me.id, ctx.now).command
    return None
