"""Reads usage by day, model and key beside the loop, and the free models that the gateway really serves for nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.gateways.ledger import GatewayLedger
from bot.gateways.port import Gateway, GatewayError, GatewayRefused
from handlers.gateway import spend
from models.metering.gateway_state import GatewayState
from models.policy import versions
from models.refusal import PeriodClosing

log = structlog.get_logger()

EVERY = 300.0
FREE_MODELS_EVERY = timedelta(hours=1)


class UsageReader:
    """`started`: whether the accounts have been read once."""

    def __init__(
        self, gateway: Gateway, ledger: GatewayLedger, started: Callable[[], bool], name: str = ""
    ) -> None:
        self.gateway, self.ledger, self.started = gateway, ledger, started
        self.name = name

    async def run(self) -> None:
        """Read the last days repeatedly, because their figures still grow. Uses at most a quarter of the time."""
        days, free_at = 2, self.ledger.clock()
        while True:
            pause, begun = 60.0 if self.started() else 1.0, time.monotonic()
            if self.started():
                try:
                    if self.ledger.clock() >= free_at:
                        await self.read_free_models()
                        free_at = self.ledger.clock() + FREE_MODELS_EVERY
                    await self.read(self.ledger.clock(), days)
                    days, pause = 1, max(EVERY, 3 * (time.monotonic() - begun))
                except (GatewayError, GatewayRefused, PeriodClosing) as error:
                    log.info("usage was not read", reason=str(error))
                except Exception:
                    log.exception("usage was not read")
            await asyncio.sleep(pause)

    async def read(self, now: datetime, days: int = 2) -> None:
        async for page in self.gateway.usage(now.date() - timedelta(days=days), now.date()):
            await self.ledger.write("usage", partial(spend.keep_usage, page=page))

    async def read_free_models(self) -> None:
        # People are told only of models that really cost nothing at the gateway.
        current = await self.ledger.database.read(versions.current)
        if current is not None:
            found = await self.gateway.free_models(current[1].free_models)
            await self.ledger.database.write(
                partial(GatewayState.note_free_models, models=found, name=self.name)
            )
