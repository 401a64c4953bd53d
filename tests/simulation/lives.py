"""One life of one seed, and the snapshot of the opened company that every seed begins with."""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.settled import copy_file
from tests.simulation import log
from tests.simulation.company import Shape, settle, staff_of
from tests.simulation.laws import Laws
from tests.simulation.life import step
from tests.simulation.loop import simulate
from tests.simulation.process import Books
from tests.simulation.world import World, seeded_codes


@dataclass(frozen=True)
class Ended:
    """A life when it is over. `wrong`: every law that was broken, with the day. `seconds`: of processor time."""

    seed: int
    wrong: list[str]
    requests: int
    messages: int
    kills: Counter[str]
    digest: str
    seconds: float


class Snapshot:
    """The opened company, put back before each seed: a file of SQLite, or a template database of Postgres."""

    def __init__(self, folder: Path, shape: Shape, server: str = "") -> None:
        self.shape, self._server = shape, server
        self.books: Books | None = None
        self.kept, self._here = f"{shape.name}_company", f"{shape.name}_{os.getpid()}"
        if server:
            self._url = str(make_url(server).set(database=self._here).render_as_string(hide_password=False))
        else:
            self._folder, self._url = folder, f"sqlite:///{folder / self._here}"

    def settle(self) -> None:
        """Once, before the first seed of any process."""
        if not self._server:
            settle(f"sqlite:///{self._folder / self.kept}", self.shape)
            return
        self._admin(f"CREATE DATABASE {self.kept}")
        url = make_url(self._server).set(database=self.kept)
        settle(url.render_as_string(hide_password=False), self.shape)

    def open(self) -> None:
        """In each process that lives seeds."""
        self.put_back()
        self.books = Books(self._url)

    def put_back(self) -> None:
        if not self._server:
            copy_file(self._folder / self.kept, self._folder / self._here)
            return
        if self.books is not None:
            self.books.real.engine.dispose(), self.books.real._reading.dispose()
        self._admin(f"DROP DATABASE IF EXISTS {self._here} WITH (FORCE)")
        self._admin(f"CREATE DATABASE {self._here} TEMPLATE {self.kept} STRATEGY FILE_COPY")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def live(snapshot: Snapshot, seed: int, replicas: int = 1) -> Ended:
    began = time.process_time()
    snapshot.put_back()
    with seeded_codes(seed), log.errors() as errors:
        world = simulate(_live(snapshot, seed, replicas, errors))
    seconds = time.process_time() - began
    return Ended(seed, world.wrong, world.requests, world.messages, world.kills, world.digest, seconds)


async def _live(snapshot: Snapshot, seed: int, replicas: int, errors: list[str]) -> World:
    shape, books = snapshot.shape, snapshot.books
    assert books is not None
    world = World(books, staff_of(shape.people), shape, seed, replicas)
    laws = Laws(world)
    try:
        world.begin()
        await world.pass_time(timedelta(minutes=5))
        laws.start()
        books.looks, books.cuts = laws.look, world.network.cuts
        for _ in range(shape.steps):
            name = await step(world)
            await _between(world)
            laws.untold()
            if errors:
                world.fail(f"{name}: {errors[0]}")
                break
        await world.calm()
        laws.untold()
        laws.end()
    except Exception:
        world.fail(traceback.format_exc())
    finally:
        books.looks, books.cuts = lambda _: None, str
        world.close()
    return world


async def _between(world: World) -> None:
    """Now and then days, else up to an hour; where things happen at once, mostly the next moment."""
    dice, mean = world.dice, timedelta(days=world.shape.days) / world.shape.steps
    if dice.random() < 0.17:
        # Over more than one end of a period everything waits for an operator.
        await world.pass_time(min(mean * dice.random() * 13, timedelta(days=25)))
    elif world.shape.at_once == 1 or dice.random() < 0.15:
        await world.pass_time(timedelta(seconds=dice.uniform(0, 3600)))
    else:
        await asyncio.sleep(dice.uniform(0, 12))
