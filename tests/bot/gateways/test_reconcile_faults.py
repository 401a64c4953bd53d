"""Gateways of all kinds that lag, fail after the effect, lose replies, say success and mean no, reset and are edited by hand.

Whatever happens on the way: in the end what can be spent at the gateway is what the ledger says is available, for everybody
whose limit nobody else changed; all that was burnt is booked once; and the ledger adds up.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from bot.gateways.operator.access import CannotDo, GatewayOperator
from bot.gateways.operator.edits import restore
from bot.gateways.port import Access, GatewayError, GatewayRefused
from bot.gateways.reconcile import Reconciler
from handlers import lending
from models.ledger.audit import audit
from models.metering.accounts import accounts_of, edited_accounts
from models.quota.wallet import wallet_of
from models.refusal import Refusal
from sandbox.gateways.stand_in import (
    FAILED,
    ROW_MISSING,
    ROW_TWICE,
    Faults,
    StandIn,
    Strike,
)
from tests.actions import gift, say
from tests.bot.gateways.rigs import (
    NAMES,
    OnClaudeEnterprise,
    OnLiteLLM,
    OnNewApi,
    OnOneApi,
    OnOpenRouter,
    Rig,
)
from tests.company import NOW, POLICY, settle_company, who
from tests.examples import stories

USD = 1_000_000
EASY = f"{POLICY}lending: {{keep_share: 0, max_open_as_borrower: 1000}}\n"
PAGED_BADLY = (ROW_MISSING, ROW_TWICE)
LATEST = timedelta(seconds=25)
"""A call that hangs on the way is carried out within that time, or never."""
_numbers = count(1)
faults: defaultdict[str, Counter[str]] = defaultdict(Counter)


class Dice(Faults):
    """Three calls in five go wrong, in one of the gateway's ways."""

    def __init__(self, seed: int, rig: Rig) -> None:
        super().__init__()
        self.random, self.rig, self.rolls = Random(seed), rig, True

    def for_call(self, route: str) -> Strike | None:
        if not self.rolls or route not in self.rig.routes or self.random.random() > 0.6:
            return None
        pages = PAGED_BADLY if route == self.rig.routes[-1] else ()
        how = self.pick((*self.rig.ways, *pages, *pages))
        faults[type(self.rig).__name__][how] += 1
        return Strike(route, how, value=502 if how == FAILED else 0)

    def pick(self, ways: tuple[str, ...]) -> str:
        return self.random.choice(ways)


class Deck(Dice):
    """Every way before one comes again, so that few stories meet all of them."""

    def __init__(self, seed: int, rig: Rig) -> None:
        super().__init__(seed, rig)
        self.cards: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)

    def pick(self, ways: tuple[str, ...]) -> str:
        cards = self.cards[ways]
        if not cards:
            cards += self.random.sample(ways, len(ways))
        return cards.pop()


@dataclass
class World:
    """One database, one gateway, the reconciler between them, and what really happened."""

    rig: Rig
    database: Database
    dice: Dice
    now: datetime = NOW
    late_since: datetime = NOW
    burnt: Counter[str] = field(default_factory=Counter)
    hands: dict[str, float] = field(default_factory=dict)
    loop: Reconciler = field(init=False)

    def connect(self, http: ClientSession) -> None:
        standin: StandIn = self.rig.standin
        access = Access(standin.url, standin.key, http, clock=self.tick, calls_per_minute=10**9)
        self.loop = Reconciler(self.database, self.rig.connector(access), self.tick, enforce=True)

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    async def look(self, *, whole: bool) -> None:
        self.now += timedelta(seconds=3)
        await self.late()
        with contextlib.suppress(GatewayError, GatewayRefused):
            await (self.loop.round() if whole else self.loop.changes())

    async def late(self) -> None:
        """What hangs on its way arrives when it has hung for long."""
        if not self.rig.standin.late:
            self.late_since = self.now
        elif self.now - self.late_since > LATEST:
            await self.rig.standin.arrive()

    async def calm(self, rounds: int = 3) -> None:
        """Peace, and time for what rested."""
        self.dice.rolls = False
        await self.rig.standin.arrive()
        self.rig.flush()
        for _ in range(rounds):
            self.now += timedelta(minutes=10)
            await self.loop.round()
        self.dice.rolls = True

    async def restore(self) -> None:
        """An admin wants ours back wherever a hand has been."""
        self.dice.rolls = False
        for name in self.hands:
            with contextlib.suppress(CannotDo):  # it was what we want, too
                await restore(GatewayOperator(self.loop), f"{name}@corp.example")
        self.hands.clear()
        await self.calm()

    def lend(self, lender: str, borrower: str, usd: float) -> None:
        with contextlib.suppress(Refusal):
            say(self.database, lending.lend, lender, borrower, int(usd * USD), now=self.tick(), live=True)


AMOUNT = st.integers(1, 120).map(lambda quarters: quarters / 4)
PERSON = st.sampled_from(NAMES)
STEP = st.one_of(
    st.tuples(st.just("looks"), st.lists(st.booleans(), min_size=6, max_size=10)),
    st.tuples(st.just("looks"), st.lists(st.booleans(), min_size=6, max_size=10)),
    st.tuples(st.just("burn"), PERSON, AMOUNT),
    st.tuples(st.just("flush")),
    st.tuples(st.just("lend"), PERSON, PERSON, AMOUNT),
    st.tuples(st.just("grant"), PERSON, AMOUNT),
    st.tuples(
        st.just("edit"), st.just("eve"), st.integers(-40, 400).map(lambda eighths: (2 * eighths + 1) / 8)
    ),
    st.tuples(st.just("reset"), PERSON),
)


async def take(world: World, step: tuple[Any, ...]) -> None:
    rig = world.rig
    match step:
        case ("looks", several):
            for whole in several:
                await world.look(whole=whole)
        case ("burn", name, usd):
            rig.burn(name, usd)
            world.burnt[name] += int(usd * USD)
        case ("flush",):
            rig.flush()
        case ("lend", lender, borrower, usd):
            world.lend(lender, borrower, usd)
        case ("grant", name, usd):
            gift(world.database, name, usd, now=world.tick())
        case ("edit", name, usd):
            rig.edit(name, usd)
            world.hands[name] = rig.total(name)
        case ("reset", name):
            await world.calm(1)  # what nobody has read before a reset, nobody can ever know
            if rig.reset(name):
                await world.calm(2)


async def live(make: Callable[[], Rig], path: Path, steps: list[tuple[Any, ...]], seed: int) -> None:
    rig, database = make(), Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    async with rig.standin, ClientSession() as http:
        rig.standin.faults = dice = Deck(seed, rig)
        world = World(rig, database, dice)
        world.connect(http)
        await world.calm(1)
        for step in steps:
            await take(world, step)
        await world.calm()
        database.transact(lambda session: check(session, world))
        await world.restore()
        database.transact(lambda session: check(session, world))
    await asyncio.to_thread(database.close)


def check(session: Session, world: World) -> None:
    """A hand's edit is reported or happens to be what we want, too."""
    assert not audit(session).wrong
    reported = {row.id for row in edited_accounts(session)}
    for name in NAMES:
        has, account = wallet_of(session, who(session, name).id), world.rig.account(name)
        assert has.used == world.burnt[name], f"{name}: burnt and booked"
        if name in world.hands and account in reported:
            assert world.rig.total(name) == world.hands[name], f"{name}: what a hand has set"
        elif name not in world.hands:
            assert account not in reported, f"{name}: nobody touched it"
            row = accounts_of(session, who(session, name).id)[0]
            if row.origin + row.booked + has.available >= 0:
                expected = has.available / USD
                floor = 0.0 if isinstance(world.rig, OnOneApi) else expected
                assert world.rig.left(name) == max(expected, floor), f"{name}: entitlement and limit"


@pytest.fixture(scope="module")
def settled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "settled.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database, EASY)
    database.close()
    return path


@pytest.fixture
def copies(settled: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        path = tmp_path / f"{next(_numbers)}.db"
        shutil.copy(settled, path)
        return path

    return copy


@pytest.mark.hypothesis
@pytest.mark.parametrize("make", [OnLiteLLM, OnNewApi, OnOneApi, OnOpenRouter, OnClaudeEnterprise])
def test_limits_follow_the_ledger_whatever_goes_wrong(
    make: Callable[[], Rig], copies: Callable[[], Path]
) -> None:
    @stories(2)
    @given(st.lists(STEP, min_size=24, max_size=36), st.integers(0, 2**32))
    def story(steps: list[tuple[Any, ...]], seed: int) -> None:
        asyncio.run(live(make, copies(), steps, seed))

    happened = faults[make.__name__]  # type: ignore[attr-defined]
    story()
    print(happened)
    assert set(happened) == {*make().ways, *PAGED_BADLY}
