"""Counts of our calls to DingTalk: in memory for /metrics, and by month in the database for `dingtalk usage`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from bot.database import Database
from bot.messengers.dingtalk.client import Api
from bot.transactions import OutcomeUnknown
from models.metering.vendor_calls import Called, count, counted, month_of

log = structlog.get_logger()

# Seconds between writes; a crash loses at most this much of the counts.
WRITTEN_EVERY = 10.0


class Tally(Collector):
    """Pass `add` to the API as `counted`. `run` writes every few seconds, `write` at once."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self.database, self.clock = database, clock
        # Calls since the start, by (API, metered).
        self.calls: Counter[tuple[str, bool]] = Counter()
        self._unwritten: Counter[tuple[str, bool]] = Counter()

    def add(self, api: Api) -> None:
        self.calls[api.name, api.metered] += 1
        self._unwritten[api.name, api.metered] += 1

    @property
    def metered(self) -> int:
        return sum(calls for (_, metered), calls in self.calls.items() if metered)

    async def this_month(self) -> int:
        """Metered calls of this month, of all replicas as far as they have written them down."""
        rows = await self.database.read(lambda session: counted(session, month_of(self.clock())))
        unwritten = sum(calls for (_, metered), calls in self._unwritten.items() if metered)
        return sum(row.calls for row in rows if row.metered) + unwritten

    async def run(self) -> None:
        while True:
            await asyncio.sleep(WRITTEN_EVERY)
            await self.write()

    async def write(self) -> None:
        """Add the new calls to the month's counts. After a failed write they are added by the next one."""
        new, self._unwritten = self._unwritten, Counter()
        called = [Called(api, metered, calls) for (api, metered), calls in sorted(new.items())]
        if not called:
            return
        try:
            await self.database.write(lambda session: count(session, self.clock(), called))
        except (DBAPIError, OutcomeUnknown) as error:  # too many are counted rather than too few
            self._unwritten.update(new)
            log.warning("calls could not be counted", error=type(error).__name__)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For Prometheus: `quotabot_dingtalk_calls_total{api, metered}`."""
        family = CounterMetricFamily(
            "quotabot_dingtalk_calls", "calls to DingTalk", labels=["api", "metered"]
        )
        for (api, metered), calls in sorted(self.calls.items()):
            family.add_metric([api, str(metered).lower()], calls)
        yield family
