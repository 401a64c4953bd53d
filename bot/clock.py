"""The database's time: several processes agree on it, whatever their machines' clocks say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.database import Database

# Seconds between two looks at the database's clock.
AGAIN = 10.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseClock:
    """The database's time, counted on from the last look by a clock that never jumps.

    Until the first look, and on SQLite, it is this machine's time.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        # The database's time, and `time.monotonic` at that moment.
        self._seen: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._seen is None:
            return utc_now()
        at, then = self._seen
        return at + timedelta(seconds=time.monotonic() - then)

    async def look(self) -> None:
        if self.database.sqlite:
            return
        began = time.monotonic()
        at = await self.database.read(_time)
        self._seen = at, (began + time.monotonic()) / 2

    async def follow(self) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            with contextlib.suppress(DBAPIError, OSError):
                await self.look()


def _time(session: Session) -> datetime:
    told: datetime = session.connection().exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return told.astimezone(UTC)
