"""What became of effects, written by commits that many of them share."""

from __future__ import annotations

import asyncio
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


class Marks:
    """Marks that arrive during a commit share the next one."""

    def __init__(self, database: Database, clock: Callable[[], datetime], live: bool) -> None:
        self.database, self.clock, self.live = database, clock, live
        self._waiting: list[Mark] = []
        self._next: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def write(self, mark: Mark) -> None:
        """Returns when it is committed."""
        self._waiting.append(mark)
        if self._next is None:
            self._next = asyncio.create_task(self._commit())
        await self._next

    async def _commit(self) -> None:
        async with self._writing:
            marks, self._waiting, self._next = self._waiting, [], None
            ours = await self.database.write(partial(self._write, marks=marks))
        if ours < len(marks):
            log.info("somebody took over", effects=len(marks) - ours)

    def _write(self, session: Session, marks: list[Mark]) -> int:
        ours = outbox.mark(session, marks)
        for effect in outbox.set_aside(session, marks):
            ctx = Context.of(session, self.clock(), f"undelivered:{effect.id}", live=self.live)
            if ctx is not None:
                undelivered.tell(ctx, effect)
        return ours
