"""A running bot in a test: waiting for what comes, and what people have, whatever messenger they are on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, col, select

from bot.app import App
from bot.database import Database
from models.messages.outbox import Effect
from models.quota.wallet import Wallet, wallet_of
from sandbox.feed import Feed
from tests.company import CAST, NOW, who

T = TypeVar("T")

BOUND = 60.0
"""Seconds after which a test that waits says that something hangs. No test waits for time alone."""
_OPEN = (col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None))


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Running:
    app: App
    database: Database
    clock: Clock

    @property
    def there(self) -> Feed:
        """The stand-in of the messenger that tells when something arrives."""
        raise NotImplementedError

    async def until(self, found: Callable[[], T | None], bound: float = BOUND) -> T:
        """The first true answer; where nothing moves, the clock goes on a second (pacing waits for it)."""
        end = time.monotonic() + bound
        while True:
            try:
                answer = await self.there.wait_for(found, timeout=0.1)
                assert answer is not None
            except TimeoutError:
                if time.monotonic() > end:
                    raise
                self.clock.move(seconds=1)
                self.app.worker.wake()
            else:
                return answer

    async def at(self, moment: datetime) -> None:
        """It is `moment` now, and what was due by then is done."""
        self.clock.now = moment
        await self.finished()

    async def finished(self, bound: float = BOUND) -> None:
        """What is due now is done; the clock stands."""
        await self.app.worker.schedule()
        await self._no_more(lambda: self._open(Effect.due_at <= self.clock()), bound, seconds=0)

    async def drained(self, bound: float = BOUND) -> None:
        """Nothing is left to do but jobs; the clock goes on a second at a time."""
        await self._no_more(lambda: self._open(Effect.kind != "job"), bound, seconds=1)

    async def _no_more(self, still: Callable[[], list[str]], bound: float, *, seconds: float) -> None:
        end = time.monotonic() + bound
        while left := still():
            assert time.monotonic() < end, f"still to do: {left}"
            self.clock.move(seconds=seconds)
            self.app.worker.wake()
            await asyncio.sleep(0.01)

    def _open(self, which: object) -> list[str]:
        query = select(Effect.key, Effect.error).where(*_OPEN, which)  # type: ignore[arg-type]

        def read(session: Session) -> list[str]:
            return [f"{key} {error or ''}" for key, error in session.exec(query).all()]

        return self.database.transact(read)

    def wallet(self, name: str) -> Wallet:
        return self.database.transact(lambda session: wallet_of(session, who(session, name).id))

    def left(self, name: str) -> float:
        """What somebody has available, in whole units."""
        return self.wallet(name).available / 1_000_000

    def everything(self) -> dict[str, Wallet]:
        """What everybody has: to see that nothing moved."""
        return {name: self.wallet(name) for name in CAST}
