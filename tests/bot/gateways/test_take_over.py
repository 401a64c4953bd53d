"""Two real processes at one gateway: when the one that leads is killed, the other enforces within ten seconds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from bot.clock import DatabaseClock
from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from sandbox.gateways.litellm import LiteLLM
from tests.actions import gift
from tests.company import CAST
from tests.gateway_env import until

PASSED = timedelta(seconds=9)
"""What the survivor's clock says has passed since the other one was killed, so that a test need not wait."""


async def test_a_killed_leader_is_followed_within_ten_seconds(
    postgres_company: Database, postgres_url: str, http: aiohttp.ClientSession
) -> None:
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in CAST}
    async with LiteLLM(users=users) as gateway:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.leader_child", postgres_url, gateway.url, gateway.key),
            cwd=Path(__file__).parents[3],
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert child.stdout is not None
            assert await asyncio.wait_for(child.stdout.readline(), 30) == b"leads\n"
            assert gateway.users["alice@corp.example"].max_budget == 100
            database_time = DatabaseClock(postgres_company)
            await database_time.look()
            survivor = beside(postgres_company, gateway, http, database_time)
            assert not await survivor.leader.lead(), "the other one lives"
        finally:
            child.kill()
            await child.wait()
        gift(postgres_company, "alice", 50)
        ahead = beside(postgres_company, gateway, http, lambda: database_time() + PASSED)
        running = asyncio.create_task(ahead.run())
        await until(lambda: gateway.users["alice@corp.example"].max_budget == 150, seconds=30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def beside(
    database: Database, gateway: LiteLLM, http: aiohttp.ClientSession, clock: Callable[[], datetime]
) -> Reconciler:
    connector = open_gateway("litellm", gateway.url, gateway.key, http, clock=clock)
    return Reconciler(database, connector, clock, enforce=True)
