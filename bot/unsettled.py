"""Broken connections: retry in time; after a break at COMMIT, look the outcome up instead of guessing."""

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
from bot.database import Database
from bot.messengers.port import Request
from bot.notes import Note, Notes
from bot.transactions import OutcomeUnknown, is_away
from models.refusal import TooSlow

log = structlog.get_logger()

# Seconds between two attempts.
PAUSE = 0.1
# Longest pause between two looks at a database that is away.
LONGEST = 5.0

T = TypeVar("T")


async def run_until(transaction: Callable[[float], Awaitable[T]], until: float) -> T:
    """Run a transaction, repeatedly while the database is away; its receipt prevents a second effect.

    `until` is a time of `time.monotonic`. Raises `OutcomeUnknown` only if a COMMIT may have arrived, and
    `TooSlow` if nothing was moved.
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
    """Requests of unknown outcome. The receipt decides, and their senders are told, also after a restart."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], wake: Callable[[], None], notes: Notes
    ) -> None:
        self.database, self.clock, self.wake, self.notes = database, clock, wake, notes
        # By key: the fingerprint, for repeated words, and the task that finds the outcome.
        self._open: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def add(self, note: Note) -> None:
        """To be settled; from here on a killed process does not lose it."""
        log.warning("the outcome of a request is not known", key=note.key)
        try:
            self.notes.keep(note, self.clock())
        except OSError as error:
            log.warning("a restart would lose it: no note can be kept", key=note.key, error=str(error))
        self._begin(note)

    def resume(self) -> None:
        """Settle what an earlier process left."""
        for note in self.notes.left(self.clock()):
            log.warning("an earlier process left a request of unknown outcome", key=note.key)
            self._begin(note)

    def _begin(self, note: Note) -> None:
        if note.key not in self._open:
            self._open[note.key] = note.fingerprint, asyncio.create_task(self._settle(note))

    async def meets(self, request: Request, within: float) -> bool:
        """Whether the same words were sent before and are still unsettled after `within` seconds."""
        if not self._open:
            return False
        words = answers.fingerprint(request)
        settling = [task for sent, task in self._open.values() if sent == words]
        if not settling:
            return False
        await asyncio.wait(settling, timeout=within)
        return not all(task.done() for task in settling)

    async def _settle(self, note: Note) -> None:
        pause = PAUSE
        while True:
            work = partial(answers.settle, note=note, now=self.clock())
            try:
                went_through = await self.database.write(work)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is asked again
                log.debug("not settled yet", key=note.key, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST)
                continue
            log.warning("the outcome is known", key=note.key, went_through=went_through)
            self.notes.drop(note.key)
            self._open.pop(note.key, None)
            self.wake()
            return
