"""Whatever fails between two writes: what can be spent at the gateway never exceeds what the ledger says is available."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from handlers import lending
from models.metering.accounts import every_account
from models.quota.wallet import wallet_of
from models.refusal import Refusal
from tests.actions import say
from tests.bot.gateways.rigs import NAMES, OnLiteLLM, OnOpenRouter, Rig
from tests.bot.gateways.test_reconcile_faults import AMOUNT, EASY, PERSON, Dice, World, take
from tests.company import settle_company, who
from tests.examples import stories

USD = 1_000_000
LOOKS = st.tuples(st.just("looks"), st.lists(st.booleans(), min_size=1, max_size=4))
STEP = st.one_of(
    LOOKS,
    LOOKS,
    st.tuples(st.just("burn"), PERSON, AMOUNT),
    st.tuples(st.just("flush")),
    st.tuples(st.just("lend"), PERSON, PERSON, AMOUNT),
    st.tuples(st.just("recall"), PERSON, PERSON),
    st.tuples(st.just("grant"), PERSON, AMOUNT),
)
PASSED_ON = [
    *[("looks", [False])] * 15,
    ("lend", "bob", "alice", 1.0),
    ("lend", "eve", "bob", 1.0),
    ("looks", [False]),
]
"""Bob lends what Eve lends to him: his limit stands as it is, and Alice still has to wait for Eve's."""
held = [0]


def recall(world: World, lender: str, borrower: str) -> None:
    try:
        say(world.database, lending.recall, lender, borrower, None, now=world.tick(), live=True)
    except Refusal:
        """Nothing is lent."""


def outstanding(session: Session, rig: Any) -> tuple[float, float]:
    """What can be spent at the gateway, and what is available; a member who overspent can spend nothing."""
    left = sum(max(rig.left(name), 0.0) for name in NAMES)
    has = [wallet_of(session, who(session, name).id).available for name in NAMES]
    return left, sum(max(one, 0) for one in has) / USD


async def live(make: Callable[[], Rig], path: Path, steps: list[tuple[Any, ...]], seed: int) -> None:
    rig, database = make(), Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    async with rig.standin, ClientSession() as http:
        world = World(rig, database, Dice(seed, rig))
        world.connect(http)
        await world.calm(1)
        rig.standin.faults = world.dice
        for step in steps:
            if step[0] == "recall":
                recall(world, *step[1:])
            else:
                await take(world, step)
            left, available = database.transact(lambda session: outstanding(session, rig))
            assert left <= available + 0.001, step
        held[0] += len(
            database.transact(lambda session: [one for one in every_account(session) if one.error])
        )
    await asyncio.to_thread(database.close)


@pytest.mark.hypothesis
@pytest.mark.parametrize("make", [OnLiteLLM, OnOpenRouter])
def test_what_can_be_spent_never_exceeds_what_is_available(
    make: Callable[[], Rig], sqlite_template: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base.db"
    shutil.copy(sqlite_template, base)
    database = Database(f"sqlite:///{base}")
    settle_company(database, EASY)
    database.close()
    numbers = iter(range(10_000))

    def copy() -> Path:
        return Path(shutil.copy(base, tmp_path / f"{next(numbers)}.db"))

    @example([("burn", "alice", 0.25), ("flush",), *PASSED_ON], 159)
    @example([("looks", [False]), *PASSED_ON, ("looks", [False, False])], 1)
    @stories(2)
    @given(st.lists(STEP, min_size=20, max_size=40), st.integers(0, 2**32))
    def story(steps: list[tuple[Any, ...]], seed: int) -> None:
        asyncio.run(live(make, copy(), steps, seed))

    story()
    assert held[0], "some limits could not be written"
