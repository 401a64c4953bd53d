"""A worker in a process of its own that hangs while it says something, for `test_leases`. `python -m tests.lease_child URL`"""

from __future__ import annotations

import asyncio
import sys

from bot.clock import utc_now
from bot.database import Database
from bot.worker import Worker
from models.messages.message import Message
from tests.crash_child import Paper


class Hanging(Paper):
    """Says so on stdout, and never comes back."""

    worker: Worker

    def __init__(self) -> None:
        pass

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        while len(self.worker.leases.held) > 1:  # noqa: ASYNC110 - in the middle of a job it would hold a lock
            await asyncio.sleep(0.02)
        print("taken", flush=True)
        await asyncio.Event().wait()
        return ""


async def page(address: str) -> Message:
    raise NotImplementedError


if __name__ == "__main__":
    hanging = Hanging()
    hanging.worker = Worker(Database(sys.argv[1]), utc_now, {"slack": hanging}, page, idle=60)
    asyncio.run(hanging.worker.run())
