"""Writes limits at the gateway's pace, most urgent first. A failed write rests and does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from bot.gateways.leader import Leader
from bot.gateways.ledger import GatewayLedger
from bot.gateways.port import Gateway, GatewayError, GatewayRefused, ModelLists, NoSuchAccount, traits_of
from bot.gateways.reader import SpendReader
from handlers.context import Context
from handlers.gateway import limits
from handlers.gateway.limits import Step
from models.metering.limits import LimitWrite, StaleReading, side_by_side
from models.metering.reading import Reading

# Parallel writes: the connector spaces the calls, and the database groups the commits. Fewer where the
# gateway allows few calls a minute, because a decision waits for the writes under way.
AT_A_TIME = 8
# So many failures in a row, and nothing else, mean that the gateway is down.
DOWN = 3
# Older readings are repeated before their limit is written.
FRESH = timedelta(seconds=2)
# Seconds before the next try of a write that the gateway refused.
REFUSED_REST = 300.0


class LimitWriter:
    """`pending`: limits to write, by account. `told`: called after messages were promised."""

    def __init__(
        self,
        gateway: Gateway,
        ledger: GatewayLedger,
        leader: Leader,
        reader: SpendReader,
        told: Callable[[], None],
    ) -> None:
        self.gateway, self.ledger, self.leader, self.reader = gateway, ledger, leader, reader
        self.told, self.traits = told, traits_of(gateway)
        self.at_a_time = max(1, min(AT_A_TIME, gateway.calls_per_minute // 60))
        self.pending: dict[str, LimitWrite] = {}
        self.writes = self.errors = 0
        self._resting: dict[str, tuple[datetime, int]] = {}
        self._writing = 0

    @property
    def waiting(self) -> int:
        return len(self.pending) + self._writing

    @property
    def ready(self) -> bool:
        return any(not self._rests(account) for account in self.pending)

    def replace(self, writes: Iterable[LimitWrite]) -> None:
        self.pending = {one.account: one for one in writes}

    def add(self, writes: Iterable[LimitWrite]) -> None:
        self.pending |= {one.account: one for one in writes}

    async def write(self, most: int | None = None, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Write the limits that are ready, at most `most`, until `interrupted`.

        Raises `GatewayError` if the gateway is down.
        """
        ready = sorted(
            (one for one in self.pending.values() if not self._rests(one.account)), key=lambda one: one.order
        )
        failed = 0
        for group in side_by_side(ready[:most], self.at_a_time):
            self._writing, before = len(group), self.writes + self.errors
            try:
                ends = await asyncio.gather(*map(self._write, group))
            finally:
                self._writing = 0
            errors = [one for one in ends if one is not None]
            failed = failed + len(errors) if len(errors) == len(group) else 0
            if failed >= DOWN:
                raise errors[-1]
            # Raises that were held back took no time; they may wait for what comes behind them.
            if interrupted() and self.writes + self.errors > before:
                return

    async def _write(self, write: LimitWrite) -> GatewayError | None:
        """Write one limit with its list of models, and confirm both; returns the gateway's failure, or None."""
        self.pending.pop(write.account, None)
        try:
            while (step := await self._begin(write.account)) is not None:
                if not await self._take(write.account, step):
                    break
        except NoSuchAccount:
            await self.reader.account(write.account)
            return None
        except GatewayRefused as no:
            await self._failed(write, str(no), REFUSED_REST)
            return None
        except GatewayError as error:
            await self._failed(write, str(error), error.retry_after)
            return error
        return None

    async def _take(self, account_id: str, step: Step) -> bool:
        """Carry a step out. Returns whether another has to follow at once."""
        found = await self._carried_out(account_id, step)
        self.writes += 1
        self._resting.pop(account_id, None)
        key = f"live:{account_id}:{found.as_of.isoformat()}"
        done = partial(limits.written, reading=found, step=step, traits=self.traits)
        more = await self.ledger.write(key, done)
        self.told()
        return bool(more)

    async def _carried_out(self, account_id: str, step: Step) -> Reading:
        if step.total is not None:
            return await self.gateway.set_total(account_id, step.total)
        # Only such a gateway offers lists.
        assert step.models is not None
        assert isinstance(self.gateway, ModelLists)
        return await self.gateway.set_models(account_id, step.models.words)

    async def _begin(self, account_id: str) -> Step | None:
        """What to write now, noted as intended; None if there is none any more, or if another replica writes."""
        if not await self.leader.lead():
            self.pending.clear()
            return None
        begin = partial(self._begin_in, account_id=account_id)
        try:
            return await self.ledger.write("begin", partial(begin, oldest=self.ledger.clock() - FRESH))
        except StaleReading:
            found = await self.reader.account(account_id)  # an admin may have edited it
            if found is None:
                return None
            await self.reader.book([found])
            return await self.ledger.write("begin", partial(begin, oldest=None))

    def _begin_in(self, ctx: Context, account_id: str, oldest: datetime | None) -> Step | None:
        if not self.leader.may_write(ctx.session):
            return None
        return limits.begin_write(ctx, account_id, self.traits, oldest)

    async def _failed(self, write: LimitWrite, why: str, rest: float | None) -> None:
        self.errors += 1
        times = self._resting.get(write.account, (None, 0))[1] + 1
        seconds = rest if rest is not None else min(2.0**times, 60.0)
        self._resting[write.account] = (self.ledger.clock() + timedelta(seconds=seconds), times)
        self.pending[write.account] = write
        key = f"failed:{write.account}:{self.ledger.clock().isoformat()}"
        await self.ledger.write(key, partial(limits.failed, account_id=write.account, why=why))
        self.told()

    def _rests(self, account_id: str) -> bool:
        return account_id in self._resting and self._resting[account_id][0] > self.ledger.clock()
