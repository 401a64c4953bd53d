"""A message that replies to a card is about that card."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.database import Database
from bot.messengers.port import Request
from bot.unsettled import run_until
from handlers.replies import meant


async def with_quoted(database: Database, request: Request, now: datetime, until: float) -> Request:
    """The request, with the CODE of the card that it replies to."""
    if request.quoted is None or not request.command.text:
        return request
    look = partial(meant, sender=request.sender, command=request.command, quoted=request.quoted, now=now)
    command = await run_until(lambda left: database.read(look, within=left), until)
    return replace(request, command=command)
