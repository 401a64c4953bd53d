"""The ladder on gateways of all kinds that can do it, and whatever fails on the way."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from models.ledger.amount import Unit
from models.ledger.audit import audit
from models.metering.booking import void_usage
from models.metering.reading import Rate
from models.quota.fallback import given_to
from models.quota.wallet import wallet_of
from tests.actions import cause
from tests.bot.gateways.rigs import NAMES, OnLiteLLM, OnNewApi, OnOneApi, OnOpenRouter, Rig
from tests.bot.gateways.test_outstanding import STEP, recall
from tests.bot.gateways.test_reconcile_faults import EASY, Dice, World, take
from tests.company import settle_company, who
from tests.examples import stories

USD = 1_000_000
RATE = Rate.of(Unit.USD, Decimal(1))
RULES = f"{EASY}fallback: {{models: [hunyuan], amount: 20}}\n"


class OnNewApiGroups(OnNewApi):
    routes = ("POST /api/user/manage", "PUT /api/user/", "GET /api/user/{id}", "GET /api/user/")


class OnOpenRouterRails(OnOpenRouter):
    routes = (
        "PATCH /keys/{hash}",
        "POST /guardrails/{id}/assignments/keys",
        "POST /guardrails/{id}/assignments/keys/remove",
        "GET /keys/{hash}",
        "GET /keys",
    )


def left(session: Session, name: str) -> tuple[float, float]:
    """Of own quota, and of the fallback."""
    member = who(session, name).id
    has, given = wallet_of(session, member).available, given_to(session, {member})[member]
    return max(has, 0) / USD, max(20 * USD - given.spent + min(has, 0), 0) / USD


async def opened(make: Callable[[], Rig], database: Database, seed: int, http: ClientSession) -> World:
    rig = make()
    await rig.standin.__aenter__()
    world = World(rig, database, Dice(seed, rig))
    world.connect(http)
    await world.calm(1)
    return world


@pytest.mark.parametrize("make", [OnLiteLLM, OnNewApi, OnOneApi, OnOpenRouter])
async def test_own_quota_ends_on_the_cheap_models_and_comes_back(
    make: Callable[[], Rig], sqlite: Database
) -> None:
    settle_company(sqlite, RULES)
    async with ClientSession() as http:
        world = await opened(make, sqlite, 0, http)
        rig, before = world.rig, world.rig.total("alice")
        rig.burn("alice", 100)
        await world.calm(2)
        assert (rig.dear("alice"), rig.left("alice"), rig.dear("bob")) == (False, 20, True)
        rig.burn("alice", 12)
        await world.calm(1)
        assert (rig.left("alice"), sqlite.query(lambda session: left(session, "alice"))) == (8, (0, 8))
        await take(world, ("grant", "alice", 5.0))
        await world.calm(1)
        assert (rig.dear("alice"), rig.left("alice")) == (True, 5)
        assert not sqlite.query(audit).wrong
        rig.burn("alice", 5)
        await world.calm(2)
        assert (rig.dear("alice"), rig.left("alice")) == (False, 8)
        sqlite.transact(lambda session: void_usage(session, who(session, "alice"), 20 * USD, RATE, cause()))
        await world.calm(1)
        assert (rig.dear("alice"), rig.left("alice")) == (True, 8), "the fallback is given back first"
        sqlite.transact(world.loop.leader.let_go)
        _, kept = await release(GatewayOperator(world.loop), lambda _: None)
        assert (kept, rig.dear("alice"), before) == ([], True, before)
        await rig.standin.__aexit__()


async def live(make: Callable[[], Rig], path: Path, steps: list[tuple[Any, ...]], seed: int) -> None:
    database = Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    async with ClientSession() as http:
        world = await opened(make, database, seed, http)
        rig = world.rig
        rig.standin.faults = world.dice
        for step in steps:
            if step[0] == "recall":
                recall(world, *step[1:])
            else:
                await take(world, step)
            ledger = database.query(lambda session: [left(session, name) for name in NAMES])
            own, more = sum(one for one, _ in ledger), sum(one for _, one in ledger)
            spendable = {name: max(rig.left(name), 0.0) for name in NAMES}
            assert sum(spendable.values()) <= own + more + 0.001, step
            assert sum(one for name, one in spendable.items() if rig.dear(name)) <= own + 0.001, step
        await world.calm()
        for name in NAMES:
            own, more = database.query(lambda session, name=name: left(session, name))
            assert rig.dear(name) == (own > 0), name
            assert max(rig.left(name), 0) == pytest.approx(own or more, abs=0.001), name
        assert not database.query(audit).wrong
        await rig.standin.__aexit__()
    await asyncio.to_thread(database.close)


@pytest.mark.hypothesis
@pytest.mark.parametrize("make", [OnLiteLLM, OnNewApiGroups, OnOpenRouterRails])
def test_dear_models_never_pass_beyond_own_quota_nor_cheap_ones_beyond_the_fallback(
    make: Callable[[], Rig], sqlite_template: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base.db"
    shutil.copy(sqlite_template, base)
    database = Database(f"sqlite:///{base}")
    settle_company(database, RULES)
    database.close()
    numbers = iter(range(10_000))

    @stories(1)
    @given(st.lists(STEP, min_size=20, max_size=40), st.integers(0, 2**32))
    def story(steps: list[tuple[Any, ...]], seed: int) -> None:
        path = Path(shutil.copy(base, tmp_path / f"{next(numbers)}.db"))
        asyncio.run(live(make, path, steps, seed))

    story()
