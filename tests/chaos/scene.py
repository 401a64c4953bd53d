"""Where a fault happens: real `quotabot run` processes on a settled database, and a stand-in Slack that keeps what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import col, select

from benchmarks.replicas import PEOPLE, Load, Replicas, done, settle, signal_all
from bot.database import Database
from models.ledger.audit import audit
from models.messages.outbox import Effect
from models.quota.chain import verify
from sandbox.slack.transport import Ack
from sandbox.slack.workspace import Person, Timing, Workspace
from tests.chaos.cluster import Cluster

SEED = 7
# Seconds in which everything that was begun must be done once the fault is over.
QUIET = 90.0
RETRIES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
"""When Slack sends an event again; its own pauses are a minute and five."""


class Broken(AssertionError):
    """The fault did not end as promised."""


def require(holds: object, words: str) -> None:
    if not holds:
        raise Broken(words)


@dataclass(frozen=True)
class Fault:
    """`before`: what happened when it was first tried, by the issue that asked for this suite, or the reference."""

    name: str
    before: str
    run: Callable[[Stage], Awaitable[str]]


FAULTS: list[Fault] = []


def fault(name: str, before: str) -> Callable[[Callable[[Stage], Awaitable[str]]], Any]:
    def register(run: Callable[[Stage], Awaitable[str]]) -> Any:
        FAULTS.append(Fault(name, before, run))
        return run

    return register


class Missing(Exception):
    """What this machine lacks."""


@dataclass
class Scene:
    url: str
    database: Database
    slack: Workspace
    replicas: Replicas
    folder: Path
    chained: bool = True
    may_repeat: int = 0
    again: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))

    async def start(self, *under: str, **how: Any) -> asyncio.subprocess.Process:
        """One more replica; returns when it listens."""
        before = self.slack.connections
        child = await self.replicas.start(*under, **how)
        await self.until(lambda: self.slack.connections > before or child.returncode is not None)
        require(child.returncode is None, f"a replica ended with {child.returncode}")
        return child

    async def until(self, happened: Callable[[], object], seconds: float = QUIET, what: str = "") -> None:
        end = time.monotonic() + seconds
        while not happened():
            require(time.monotonic() < end, what or "it never came to pass")
            await asyncio.sleep(0.2)

    async def command(self, number: int, words: str) -> Ack:
        return await self.slack.command(f"U{number:05}", words)

    def inbox(self, number: int) -> list[str]:
        return [one.shown for one in self.slack.inbox(f"U{number:05}") if one.user == self.slack.bot.id]

    def query(self, statement: Any) -> list[Any]:
        return self.database.query(lambda session: list(session.exec(statement).all()))

    async def quiet(self) -> None:
        """Every message that is due is sent, or set aside."""
        unsent = (Effect.kind != "job", col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None))
        end = time.monotonic() + QUIET
        while left := self.query(select(Effect.key, Effect.kind, Effect.error).where(*unsent)):
            require(time.monotonic() < end, f"{len(left)} messages are never sent, such as {left[0]}")
            await asyncio.sleep(0.2)

    def look_at(self, url: str) -> None:
        """The database is somewhere else now."""
        self.database.close()
        self.database = Database(url)

    def audit(self) -> None:
        found = self.database.query(audit).wrong
        require(not found, f"the audit finds {found[:3]}")
        broken = self.database.query(verify).broken if self.chained else None
        require(broken is None, broken.line if broken else "")
        sent = Counter(one.metadata["event_payload"]["key"] for one in self.slack.messages if one.metadata)
        self.again = sum(times > 1 for times in sent.values())
        require(self.again <= self.may_repeat, f"{self.again} messages were said twice")

    async def judge(self, load: Load) -> str:
        """What people were told is true, nothing is lost, nothing is done twice."""
        await self.until(
            lambda: all(one in load.acks for one in load.lenders), what="requests are never answered"
        )
        end = time.monotonic() + QUIET
        while left := self._unheard(load):
            require(time.monotonic() < end, f"neither done nor refused: {left[:2]}")
            await asyncio.sleep(0.5)
        await self.quiet()
        found = self.database.query(done)
        twice = [one for one, times in found.items() if times > 1]
        lost = [one for one, ack in load.acks.items() if _says(ack, "You lent") and not found[one]]
        lied = [one for one, ack in load.acks.items() if _says(ack, "nothing") and found[one]]
        require(not twice, f"done twice: {twice[:3]}")
        require(not lost, f"acknowledged and lost: {lost[:3]}")
        require(not lied, f"said that nothing was moved, and it was: {lied[:3]}")
        unknown = [one for one, ack in load.acks.items() if _says(ack, "can't tell yet")]
        for one in unknown:
            said = " ".join(self.inbox(load.lenders[one]))
            require("Now I know" in said, f"never heard what became of {one}")
        self.audit()
        asked = f"{len(load.acks)} requests: none lost, none twice"
        return asked + (f", {len(unknown)} unknown and told" if unknown else "")

    def _unheard(self, load: Load) -> list[tuple[list[str], list[str]]]:
        """Messages that were neither done nor answered with a refusal (which names no reason), and what was said instead."""
        found, left = self.database.query(done), defaultdict(list)
        for one in load.messages:
            if not found[one]:
                left[load.lenders[one]].append(one)
        return [
            (reasons, [one[:60] for one in self.inbox(who)])
            for who, reasons in left.items()
            if len(reasons) > sum("othing" in one for one in self.inbox(who))
        ]


def _says(ack: Ack, words: str) -> bool:
    return ack.ok and ack.message is not None and words in ack.message.shown


async def under_load(
    scene: Scene, happens: Callable[[], Awaitable[Any]], *, rate: float = 10, after: float = 2.0, share: float = 0.0, name: str = "r",
) -> Load:  # fmt: skip
    """Requests from before `happens` until two seconds after it. `share` of them are messages, which Slack sends again."""
    load = Load(scene.slack, share, name=name)
    running = asyncio.create_task(load.run(rate, 600, scene.dice))
    await asyncio.sleep(after)
    try:
        await happens()
        await asyncio.sleep(after)
    finally:
        load.stopped = True
    await running
    return load


class Stage:
    """What the faults share: a Postgres with a settled company to copy."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self._number = cluster, 0
        cluster.sql("CREATE DATABASE settled")
        _settled(cluster.url("settled"))

    @contextlib.asynccontextmanager
    async def scene(
        self, replicas: int = 1, *, sqlite: Path | None = None, url: str = "", name: str = "", **settings: str
    ) -> AsyncIterator[Scene]:
        """`sqlite`: a folder for a file instead of Postgres. `name`: a database that is there.

        `url`: how the processes reach the database NAME.
        """
        self._number += 1
        people = [Person(f"U{n:05}", f"p{n}", f"P{n}", f"p{n}@corp.example") for n in range(PEOPLE)]
        with TemporaryDirectory() as folder:
            if sqlite is None:
                ours = (
                    self.cluster.url(name) if name else self.cluster.copy("settled", f"scene{self._number}")
                )
            else:
                ours = f"sqlite:///{sqlite / 'quotabot.db'}"
                _settled(ours)
            async with Workspace(people=people, timing=Timing(event_retries=RETRIES)) as slack:
                theirs = url.replace("NAME", f"scene{self._number}") or ours
                bots = Replicas(theirs, slack, STATE_DIRECTORY=folder, **settings)
                scene = Scene(ours, Database(ours), slack, bots, Path(folder))
                try:
                    for _ in range(replicas):
                        await scene.start()
                    yield scene
                finally:
                    for one in bots.running:
                        signal_all(one, signal.SIGKILL)
                    await asyncio.gather(*(one.wait() for one in bots.running))
                    await asyncio.to_thread(scene.database.close)


def _settled(url: str) -> None:
    database = Database(url)
    settle(database)
    database.close()
