"""A gateway loop in a process of its own, for `test_take_over`. `python -m tests.leader_child DATABASE GATEWAY KEY`"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from bot.clock import DatabaseClock
from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway


async def lead(url: str, gateway: str, key: str) -> None:
    """Enforce until killed; says so once every limit is written."""
    database = Database(url)
    clock = DatabaseClock(database)
    await clock.look()
    async with aiohttp.ClientSession() as http:
        loop = Reconciler(
            database, open_gateway("litellm", gateway, key, http, clock=clock), clock, enforce=True
        )
        running = asyncio.create_task(loop.run())
        while not loop.rounds or loop.writer.pending:  # noqa: ASYNC110 - another loop's progress is waited for
            await asyncio.sleep(0.01)
        print("leads", flush=True)
        await running


if __name__ == "__main__":
    asyncio.run(lead(*sys.argv[1:]))
