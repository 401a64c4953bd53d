"""A town, a stand-in LiteLLM, and a session to reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.database import Database
from sandbox.gateways.litellm import LiteLLM
from tests.company import CAST, NOW
from tests.gateway_env import GatewayEnv


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def env(company: Database, http: aiohttp.ClientSession) -> AsyncIterator[GatewayEnv]:
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in CAST}
    async with LiteLLM(users=users, clock=lambda: NOW) as gateway:
        yield GatewayEnv(company, gateway, http)
