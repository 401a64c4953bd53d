"""What became of effects, written by commits that many of them share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session

from bot.database import Database
from handlers import undelivered
from handlers.context import Context
from models.messages import outbox
from models.messages.outbox import Mark

log = structlog.get_logger()

# Seconds in which marks of a burst gather for the next commit; on idle cores there would be twice as many.
GATHER = 0.01

Then = Callable[[BaseException | None], None]


class Marks:
    """Marks that arrive during a commit share the next one."""

    def __init__(self, database: Database, clock: Callable[[], datetime], live: bool) -> None:
        self.database, self.clock, self.live = database, clock, live
        self._waiting: list[tuple[Mark, Then]] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, mark: Mark, then: Then) -> None:
        """`then` is called when it is committed, with the error if it is not."""
        self._waiting.append((mark, then))
        if self._writing is None:
            self._writing = asyncio.create_task(self._commit())

    async def _commit(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error = await self._committed([mark for mark, _ in batch])
            for _, then in batch:
                then(error)
            if self._waiting:
                with contextlib.suppress(asyncio.CancelledError):  # what was sent is marked first
                    await asyncio.sleep(GATHER)
        self._writing = None

    async def _committed(self, marks: list[Mark]) -> BaseException | None:
        try:
            ours = await self.database.write(partial(self._write, marks=marks))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the mark gets it
            return error
        if ours < len(marks):
            log.info("somebody took over", effects=len(marks) - ours)
        return None

    def _write(self, session: Session, marks: list[Mark]) -> int:
        ours = outbox.mark(session, marks)
        for effect in outbox.set_aside(session, marks):
            ctx = Context.of(session, self.clock(), f"undelivered:{effect.id}", live=self.live)
            if ctx is not None:
                undelivered.tell(ctx, effect)
        return ours
