"""Several requests approved with one yes: each is decided by the dispatcher, in a transaction of its own, as by a click."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from bot.answers import Outcome
from bot.database import Database
from bot.messengers.port import Request
from handlers.command import Command
from handlers.context import Context
from handlers.deciding import tell_results
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member

Handle = Callable[[Request], Awaitable[Outcome]]


async def decide_all(
    handle: Handle, database: Database, clock: Callable[[], datetime], effect: Effect
) -> None:
    """In order, so that a pool pays as far as it goes. Done again after a crash, each key gets the answer that it got."""
    sender, results = effect.payload["sender"], []
    for code in effect.payload["codes"]:
        asked = Request(f"{effect.key}:{code}", sender, Command.pressed("request.approve", code))
        outcome = await handle(asked)
        words = outcome.message.text if isinstance(outcome.message, Message) else ""
        results.append((code, not outcome.refused, words))
    await database.write(partial(_tell, sender=sender, key=effect.key, results=results, now=clock()))


def _tell(
    session: Session, sender: str, key: str, results: Sequence[tuple[str, bool, str]], now: datetime
) -> None:
    ctx = Context.of(session, now, f"{key}:results")
    if ctx is not None:
        tell_results(ctx, Member.at(session, sender), results)
