"""Leases on real processes: a killed one is followed within seconds, a living one is not overtaken."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.clock import DatabaseClock, utc_now
from bot.database import Database
from bot.worker import Worker
from models.messages.message import Message
from models.messages.outbox import LEASE, Effect
from tests.crash_child import Paper

SOON = LEASE.total_seconds() + 3


@asynccontextmanager
async def hanging(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that has taken what is due and hangs in it."""
    words = (sys.executable, "-m", "tests.lease_child", url)
    child = await asyncio.create_subprocess_exec(
        *words, cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        assert await asyncio.wait_for(child.stdout.readline(), 30) == b"taken\n"
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def page(address: str) -> Message:
    raise NotImplementedError


def promised(url: str, paper: Path) -> Worker:
    """A worker beside the other process; one message is due."""
    database = Database(url)
    message = Message(text="one").as_json()
    payload = {"address": "slack:U1", "message": message, "shape": "", "reader": None}

    def run(session: Session) -> None:
        session.add(Effect(key="one", kind="say", lane="slack:U1", due_at=utc_now(), payload=payload))

    database.transact(run)
    return Worker(database, DatabaseClock(database), {"slack": Paper(paper)}, page)


async def until_said(worker: Worker, paper: Path, within: float) -> float | None:
    """Seconds till it was said; None: not in that time."""
    began, running = time.monotonic(), asyncio.create_task(worker.run())
    try:
        while not paper.exists():  # noqa: ASYNC240
            if time.monotonic() - began > within:
                return None
            await asyncio.sleep(0.02)
        return time.monotonic() - began
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_a_killed_process_had_taken_is_said_within_seconds(
    settled_on: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    url, paper = settled_on(kind), tmp_path / "paper"
    worker = promised(url, paper)
    async with hanging(url) as child:
        child.send_signal(signal.SIGKILL)
        await child.wait()
        took = await until_said(worker, paper, SOON)
    worker.database.close()
    assert took is not None


async def test_what_a_living_process_works_at_for_longer_than_a_lease_is_taken_once_it_is_frozen(
    settled_on: Callable[[str], str], tmp_path: Path
) -> None:
    url, paper = settled_on("sqlite"), tmp_path / "paper"
    worker = promised(url, paper)
    async with hanging(url) as child:
        assert await until_said(worker, paper, SOON) is None
        child.send_signal(signal.SIGSTOP)
        assert await until_said(worker, paper, SOON) is not None
        child.send_signal(signal.SIGCONT)
    done = worker.database.transact(lambda session: session.exec(select(Effect.done_at)).first())
    worker.database.close()
    assert done is not None


async def test_the_clock_is_the_databases(postgres: Database) -> None:
    clock = DatabaseClock(postgres)
    await clock.look()
    assert abs(clock() - utc_now()) < timedelta(seconds=2)
    clock._seen = clock() - timedelta(days=1), time.monotonic()  # a machine whose clock was a day behind
    await clock.look()
    assert abs(clock() - utc_now()) < timedelta(seconds=2)
