"""A session, and a connector to whichever stand-in is up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.gateways.port import Gateway
from bot.gateways.registry import open_gateway
from sandbox.gateways.stand_in import StandIn

Connect = Callable[..., Gateway]


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
def connect(http: ClientSession) -> Connect:
    def to(kind: str, standin: StandIn, **options: Any) -> Gateway:
        return open_gateway(kind, standin.url, standin.key, http, calls_per_minute=10**9, **options)

    return to
