"""One slot of a job of the clock: piece by piece, a transaction each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from bot.database import Database
from handlers.context import Context
from handlers.routes import Job
from models.quota.closing import overdue


@dataclass(frozen=True)
class Pieces:
    database: Database
    live: bool
    effects_kept: timedelta

    async def run(self, job: Job, now: datetime, key: str, *, waits: bool = False) -> None:
        """Until the job has no more to do. `waits`: nothing is done while a period more than the next is over."""
        number, more = 0, True
        while more:
            number += 1
            piece, found = partial(self._piece, now=now, key=f"{key}:{number}", waits=waits), list[Any]()
            if job.look is not None:
                found.append(await self.database.read(partial(piece, run=job.look)))
                if found == [None]:
                    return
            more = bool(await self.database.write(partial(piece, run=job.run, found=found)))

    def _piece(
        self, session: Session, run: Callable[..., Any], now: datetime, key: str, *, waits: bool, found: list[Any] | None = None
    ) -> Any:  # fmt: skip
        ctx = Context.of(session, now, key, live=self.live, effects_kept=self.effects_kept)
        return None if ctx is None or (waits and overdue(session, now)) else run(ctx, *(found or []))
