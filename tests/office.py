"""An operator with a settled database and a gateway beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

import aiohttp
from sqlmodel import Session

from bot.database import Database
from bot.gateways.port import now_utc
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from bot.settings import Settings
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.new_api import NewApi
from tests.console import Operator

T = TypeVar("T")


class Office:
    """An operator with a settled database, and a gateway beside it in which some people have accounts."""

    def __init__(self, operator: Operator, gateway: LiteLLM | NewApi) -> None:
        self.operator, self.gateway = operator, gateway

    async def says(self, *words: str) -> str:
        return await asyncio.to_thread(self.operator.says, "gateway", *words)

    async def fails(self, *words: str) -> str:
        return await asyncio.to_thread(self.operator.fails, "gateway", *words)

    async def unread(self) -> str:
        """What the status says of a gateway that does not answer; it fails."""
        found = await asyncio.to_thread(self.operator.run, "gateway", "status", code=1)
        assert "nothing else binds" not in found.stdout
        return str(found.stdout)

    async def looks(self) -> None:
        """The running bot does one round."""
        settings, database = Settings.load(), Database(os.environ["DATABASE_URL"])
        assert settings.gateway_key is not None
        async with aiohttp.ClientSession() as http:
            opened = open_gateway(
                settings.gateway_kind, settings.gateway_url, settings.gateway_key.get_secret_value(), http
            )
            loop = Reconciler(
                database, opened, now_utc, enforce=settings.gateway_mode == "enforce", kind="it"
            )
            assert await loop.leader.lead()
            await loop.round()
            await database.write(loop.leader.let_go)
        await asyncio.to_thread(database.close)

    def inside(self, work: Callable[[Session], T]) -> T:
        database = Database(os.environ["DATABASE_URL"])
        try:
            return database.transact(work)
        finally:
            database.close()

    def limit(self, email: str) -> float | None:
        assert isinstance(self.gateway, LiteLLM)
        return self.gateway.users[email].max_budget

    def burn(self, email: str, usd: float) -> None:
        assert isinstance(self.gateway, LiteLLM)
        self.gateway.burn(email, usd)
        self.gateway.flush()
