"""All gateways of this process: one loop each, so that one that is down stops none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.gateways.port import GatewayError, GatewayRefused
from bot.gateways.reconcile import Reconciler


class Fleet:
    def __init__(self, loops: Sequence[Reconciler]) -> None:
        self.loops = tuple(loops)

    def wake(self) -> None:
        for loop in self.loops:
            loop.wake()

    def as_of(self) -> datetime | None:
        """The oldest reading that is stale."""
        return min((at for loop in self.loops if (at := loop.as_of()) is not None), default=None)

    async def fresh(self, member_id: int) -> None:
        """Read the member's accounts at every gateway; where one cannot be read, the last reading stands."""
        ends = await asyncio.gather(
            *(loop.reader.fresh(member_id) for loop in self.loops), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, GatewayError | GatewayRefused):
                raise end

    async def before_turning(self) -> None:
        await asyncio.gather(*(loop.before_turning() for loop in self.loops))
