"""A connection that breaks: tried again in time, and where it broke at COMMIT, never guessed what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from bot import answers
from bot.database import Database, OutcomeUnknown, is_away
from bot.messengers.port import Request
from models.refusal import TooSlow

log = structlog.get_logger()

PAUSE = 0.1
"""Seconds between two tries of a request."""
LONGEST = 5.0
"""Seconds between two looks at a database that is away, at most."""

T = TypeVar("T")


async def run_until(transaction: Callable[[float], Awaitable[T]], until: float) -> T:
    """Run a transaction, and again while the database is away: the receipt knows whether it was committed before.

    `until` is a time of `time.monotonic`. Raises `OutcomeUnknown` only where a COMMIT may have arrived; `TooSlow` where
    nothing can have moved.
    """
    unknown: OutcomeUnknown | None = None
    while True:
        try:
            return await transaction(max(0.1, until - time.monotonic()))
        except OutcomeUnknown as error:
            unknown = error
        except TooSlow:
            if unknown is None:
                raise
        except DBAPIError as error:
            if not is_away(error):
                raise
        if time.monotonic() + PAUSE > until:
            raise unknown or TooSlow()
        await asyncio.sleep(PAUSE)


class Unsettled:
    """Requests of which nobody knows whether they went through. The receipt decides, and their senders are told."""

    def __init__(self, database: Database, clock: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self.database, self.clock, self.wake = database, clock, wake
        self._open: dict[str, tuple[str, asyncio.Task[None]]] = {}
        """By key: the fingerprint, so that what is retyped meets it, and what settles it."""

    def add(self, request: Request) -> None:
        if request.key not in self._open:
            log.warning("the outcome of a request is not known", key=request.key)
            task = asyncio.create_task(self._settle(request))
            self._open[request.key] = answers.fingerprint(request), task

    async def meets(self, request: Request, within: float) -> bool:
        """Whether the same words, sent before, are still unsettled after a wait of so many seconds at most."""
        words = answers.fingerprint(request)
        settling = [task for sent, task in self._open.values() if sent == words]
        if not settling:
            return False
        await asyncio.wait(settling, timeout=within)
        return not all(task.done() for task in settling)

    async def _settle(self, request: Request) -> None:
        pause = PAUSE
        while True:
            work = partial(answers.settle, request=request, now=self.clock())
            try:
                went_through = await self.database.write(work)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is asked again
                log.debug("not settled yet", key=request.key, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST)
                continue
            log.warning("the outcome is known", key=request.key, went_through=went_through)
            self._open.pop(request.key, None)
            self.wake()
            return
