"""A company, its clock, its vendors, and the processes of the bot between them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from sqlmodel import Session

import models.quota.code as codes
from bot.dispatch import Dispatcher
from bot.gateways.fleet import Fleet
from bot.gateways.named import Named
from bot.gateways.reconcile import Reconciler
from bot.messengers.port import Request
from bot.pace import Pace
from bot.transactions import OutcomeUnknown
from bot.worker import Worker
from handlers.command import Command
from models.messages.message import Message
from models.people.profile import Profile
from models.quota.period import Period, PeriodState
from models.refusal import Refusal
from tests.simulation.company import Employee, Shape, Staff, hire
from tests.simulation.process import Books, Fate, SimulatedDatabase, mortal
from tests.simulation.vendors import CENT, Chat, Meter, Network

T = TypeVar("T")
EVERY = 120.0
"""Seconds between two readings of a whole gateway."""
MOST_DELIVERIES = 6
"""A messenger gives up after so many; the seed's kills end before."""


LONGEST_CLOSE = 60
"""Half minutes: a gateway that is away puts a close off by ten minutes."""


class Unhurried(Pace):
    """For a company that is looked at hours later, when every lane has had its turns."""

    def wait(self, lane: str, sender: int | None = None) -> float:
        return 0.0


class Replica:
    """A process of the bot, from its start to its death."""

    def __init__(self, world: World) -> None:
        self.fate, self._woken = Fate(world.died), False
        self.database = SimulatedDatabase(world.books, world.turns)
        self.fleet = Fleet([self._loop(world, name, meter) for name, meter in world.meters.items()])
        chats, clock = dict(world.chats), world.clock
        self.dispatcher = Dispatcher(
            self.database, clock, dict(chats), live=True, wake=self._wake,
            fresh_spend=self.fleet.fresh, as_of=self.fleet.as_of,
        )  # fmt: skip
        self.worker = Worker(
            self.database, clock, dict(chats), self.dispatcher.home, live=True,
            before_turning=self.fleet.before_turning,
        )  # fmt: skip
        self.worker.pace = Unhurried() if world.shape.at_once == 1 else Pace(asyncio.get_running_loop().time)

    def _loop(self, world: World, name: str, meter: Meter) -> Reconciler:
        gateway = Named(name, meter) if name else meter  # type: ignore[arg-type]
        return Reconciler(
            self.database, gateway, world.clock, enforce=True, every=EVERY, kind="meter", name=name, told=self._wake,
        )  # fmt: skip

    def _wake(self) -> None:
        self._woken = True

    async def work(self) -> None:
        """Everything that is due now, with what it makes due: the worker and the loops of the gateways side by side."""
        self._woken = True
        while self._woken:
            self._woken = False
            working = asyncio.create_task(self._due(), name="worker")
            await asyncio.gather(working, *(self._drive(loop, working) for loop in self.fleet.loops))

    async def _due(self) -> None:
        try:
            await self.worker.schedule()
            await self.worker.drain()
        except OutcomeUnknown:  # as `Worker.run` does: it goes on after a rest
            await asyncio.sleep(1)
            self._woken = True

    async def _drive(self, loop: Reconciler, working: asyncio.Task[None]) -> None:
        while (pause := await loop.turn()) == 0 or not working.done():
            await asyncio.wait({working}, timeout=pause)


class Kept(NamedTuple):
    """A request and its answer; `by_message`: the acknowledgement did not carry it."""

    key: str
    home: str
    command: Command
    by_message: bool
    text: str
    at: datetime


class World:
    """One seed's company. `wrong`: every law that was broken, with the day. `kills`: where a process died."""

    def __init__(self, books: Books, staff: Staff, shape: Shape, seed: int, replicas: int = 1) -> None:
        self.books, self.staff, self.shape, self.seed = books, dict(staff), shape, seed
        self._loop = asyncio.get_running_loop()
        self._loop.set_task_factory(mortal)
        self.wrong, self.requests, self.kills = list[str](), 0, Counter[str]()
        # Home by key, of requests whose answers come as messages.
        self.expected: dict[str, str] = {}
        # Requests that were answered for good.
        self.kept: list[Kept] = []
        self.skew, self._told = timedelta(), hashlib.sha256()
        self.dice, self._turns = Random(seed), Random(f"turns {seed}")
        self.network = Network(Random(f"network {seed}"))
        self.homes: dict[str, Profile] = {}
        for one in self.staff.values():
            self.introduce(one)
        self.chats = {
            name: Chat(name, self.network, self.clock, self.homes, self._tell)
            for name in ("slack", "dingtalk")
        }
        self.meters = {
            name: Meter(self.network, self.clock, CENT if name == "seats" else 1) for name in shape.gateways
        }
        self.seat_all()
        # Of an operator: commands, and what a checker reads.
        self.database = SimulatedDatabase(books)
        self.replicas: list[Replica] = []
        self._count = replicas

    def begin(self) -> None:
        """Start the processes."""
        self.replicas = [Replica(self) for _ in range(self._count)]

    @property
    def now(self) -> datetime:
        return self.shape.begins + timedelta(seconds=self._loop.time())

    def clock(self) -> datetime:
        """The time as the processes see it."""
        return self.now + self.skew

    def turns(self) -> int:
        """How long a transaction waits for others, where things happen at once."""
        return self._turns.randrange(4) if self.shape.at_once > 1 else 0

    def introduce(self, one: Employee) -> None:
        self.homes |= {home: Profile("member", one.name, one.email) for home in one.homes}

    def seat_all(self) -> None:
        for one in self.staff.values():
            for meter in self.meters.values() if one.number < self.shape.seats else ():
                meter.totals.setdefault(one.email, None)

    def fail(self, what: str) -> None:
        self.wrong.append(f"{self.now:%Y-%m-%d %H:%M:%S} {what}")

    def _tell(self, address: str, text: str) -> None:
        self._told.update(f"{self.now} {address} {text}\n".encode())

    @property
    def digest(self) -> str:
        """Of everything that people saw: equal for two lives of one seed."""
        return self._told.hexdigest()[:16]

    @property
    def messages(self) -> int:
        """How many people were sent, with the answers that came as messages."""
        return sum(len(one.sent) + sum(map(len, one.answers.values())) for one in self.chats.values())

    # What happens

    async def ask(self, home: str, command: Command, *, key: str = "", typed: bool = True) -> Message:
        """Somebody asks something; what they are answered. `typed`: the answer comes as an effect.

        Not acknowledged is delivered again, with the same key.
        """
        self.requests += 1
        key = key or f"{home}:{self.requests}"
        request = Request(key, home, command, answer_by={"key": key, "lane": home} if typed else None)
        await asyncio.sleep(self.dice.random() * self.network.slow)
        for _ in range(MOST_DELIVERIES):
            outcome = await self.within(self._any(), lambda one: one.dispatcher.handle(request), "a request")
            if outcome is None:
                continue
            if isinstance(outcome[0].message, Message):
                answer = outcome[0].message
                if typed and (answer.text or answer.title):
                    self.expected[key] = home
                return answer
            self.fail(f"{home} got a form for {command}")
            return Message(text="")
        self.fail(f"{home} was not answered: {command}")
        return Message(text="")

    def _any(self) -> Replica:
        return self.replicas[0] if len(self.replicas) == 1 else self.dice.choice(self.replicas)

    async def within(
        self, replica: Replica, do: Callable[[Replica], Awaitable[T]], name: str
    ) -> tuple[T] | None:
        """What is done, or None where the process dies meanwhile; then another one starts."""
        task = replica.fate.spawn(_whole(do(replica)), name)
        ended = asyncio.ensure_future(replica.fate.end.wait())
        await asyncio.wait((task, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if replica.fate.alive:
            return task.result()
        await self._revive(replica)
        return None

    def died(self, where: str) -> None:
        self.kills[where] += 1

    async def _revive(self, replica: Replica) -> None:
        """Somebody starts the process again, a moment or a while later."""
        if replica in self.replicas:
            self.replicas[self.replicas.index(replica)] = Replica(self)
            await asyncio.sleep(self.dice.choice((0.2, 3, 9, 40)))

    async def pass_time(self, gap: timedelta) -> None:
        """Where a close was put off, as while the gateway is away, no further days pass before it is done."""
        await asyncio.sleep(gap.total_seconds())
        await self.work()
        for _ in range(LONGEST_CLOSE):
            if not self.read(self._closing):
                return
            await asyncio.sleep(30)
            await self.work()

    def _closing(self, session: Session) -> bool:
        period = Period.latest(session)
        return period is not None and (period.state == PeriodState.TURNING or period.ends_at <= self.clock())

    async def work(self) -> None:
        """All processes do what is due, until they have done it without dying."""
        while None in await asyncio.gather(
            *(self.within(one, lambda each: each.work(), "the loops") for one in self.replicas)
        ):
            pass

    async def calm(self) -> None:
        """Peace: nothing is lost or slow, nobody dies, and there is time for what rested and was paced."""
        self.network.rate, self.network.slow = 0.0, 0.0
        self.skew = timedelta()
        for one in self.replicas:
            one.fate.die_in = 0
        for meter in self.meters.values():
            meter.catch_up()
        for _ in range(3):  # a message rests for an hour at most
            await self.pass_time(timedelta(minutes=65))
        # Each process looks twice a second for what another has changed.
        await self.pass_time(timedelta(seconds=1))

    # What an operator does

    def hire(self) -> None:
        self.seat_all()
        self.database.transact(lambda session: hire(session, self.staff, self.clock()))

    def read(self, what: Callable[[Session], T]) -> T:
        return self.database.query(what)

    def try_(self, what: Callable[[Session], object]) -> None:
        with contextlib.suppress(Refusal):
            self.database.transact(what)

    def close(self) -> None:
        for one in self.replicas:
            one.fate.bury()


async def _whole(doing: Awaitable[T]) -> tuple[T]:
    return (await doing,)


@contextlib.contextmanager
def seeded_codes(seed: int) -> Iterator[None]:
    """CODEs by the seed's dice: the same life has the same ones."""
    real, codes.secrets = codes.secrets, Random(f"codes {seed}")  # type: ignore[attr-defined]
    try:
        yield
    finally:
        codes.secrets = real  # type: ignore[attr-defined]
