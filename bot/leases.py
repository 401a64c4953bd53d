"""Leases of the effects at work here: short, so that a killed process is soon replaced, and renewed while it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from bot.database import Database
from models.messages import outbox
from models.messages.outbox import LEASE, Claim

log = structlog.get_logger()

# Seconds between two renewals: three of them may fail.
BEAT = LEASE.total_seconds() / 4


class Leases:
    """Effects at work here, by id. Their leases are renewed while there are any."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self.database, self.clock = database, clock
        self.held: dict[int, Claim] = {}
        self._until: dict[int, datetime] = {}
        self._beating: asyncio.Task[None] | None = None

    def hold(self, effects: Iterable[Claim]) -> None:
        for one in effects:
            self.held[one.id], self._until[one.id] = one, one.leased_until
        if self.held and (self._beating is None or self._beating.done()):
            self._beating = asyncio.create_task(self._beat())

    def drop(self, effects: Iterable[Claim]) -> None:
        for one in effects:
            self.held.pop(one.id, None), self._until.pop(one.id, None)
        if not self.held and self._beating is not None:
            self._beating.cancel()
            self._beating = None

    def lapsed(self, effect: Claim) -> bool:
        """Whether another process may have the effect by now."""
        until = self._until.get(effect.id)
        return until is not None and self.clock() >= until

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._prolong(list(self.held.values()))
            except Exception as error:  # noqa: BLE001 - the worker says that the database is away
                log.debug("leases were not prolonged", error=type(error).__name__)

    async def _prolong(self, effects: list[Claim]) -> None:
        now = self.clock()
        ours = await self.database.write(lambda session: outbox.prolong(session, effects, now))
        self._until |= {key: now + LEASE for key in ours if key in self.held}
