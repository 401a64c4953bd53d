"""A town, a stand-in LiteLLM, and a session to reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.database import Database
from bot.demo.gateways.litellm import LiteLLM
from tests.gateway_stage import Stage
from tests.town import CAST, NOW, settle_town


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def stage(database: Database, http: aiohttp.ClientSession) -> AsyncIterator[Stage]:
    settle_town(database)
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in CAST}
    async with LiteLLM(users=users, clock=lambda: NOW) as gateway:
        yield Stage(database, gateway, http)
