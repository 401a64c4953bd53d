"""Messengers and gateways at their ports, behind a network that is slow, loses calls and loses replies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Any, TypeVar

from bot.gateways.port import Finding, GatewayError, NoSuchAccount
from bot.messengers.port import MessengerError
from models.messages.message import Message
from models.metering.reading import KeyUsage, Reading
from models.people.profile import Profile
from tests.simulation.process import point

T = TypeVar("T")
CENT = 10_000
"""Micro-USD."""


class Lost(Exception):
    """The call or its reply. `unknown`: the caller cannot tell which; with a call that was carried out it never can."""

    def __init__(self, *, unknown: bool) -> None:
        super().__init__("no reply" if unknown else "does not answer")
        self.unknown = unknown


@dataclass
class Network:
    """`rate`: the share of calls that are lost, half of them after their effect. `slow`: seconds that a call may take."""

    dice: Random
    rate: float = 0.0
    slow: float = 0.0
    lost: int = 0

    async def call(self, name: str, effect: Callable[[], T]) -> T:
        """Each way may take its time; the process may die before the effect, after it, and while it waits."""
        await self._way()
        lost = self.dice.random() < self.rate
        self.lost += lost
        if lost and self.dice.random() < 0.5:
            raise Lost(unknown=self.dice.random() < 0.5)
        point(f"before the call: {name}")
        result = effect()
        point(f"after the call: {name}")
        await self._way()
        if lost:
            raise Lost(unknown=True)
        return result

    def cuts(self) -> str:
        """Whether a connection to the database breaks at COMMIT, and when."""
        broken = self.dice.random() < self.rate / 8
        self.lost += broken
        return self.dice.choice(("before", "after")) if broken else ""

    async def _way(self) -> None:
        await asyncio.sleep(self.dice.random() ** 3 * self.slow if self.slow else 0)


@dataclass
class Heard:
    """A message as somebody sees it now. `key`: the effect or the request; `first`: what it said at first."""

    address: str
    message: Message
    key: str
    at: datetime
    first: Message


@dataclass(eq=False)
class Chat:
    """A messenger that knows everybody and keeps what it shows. `told`: called with everything that people see."""

    name: str
    network: Network
    clock: Callable[[], datetime]
    people: dict[str, Profile]
    told: Callable[[str, str], None]
    sent: dict[str, Heard] = field(default_factory=dict)
    answers: dict[str, list[Message]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def ready(self) -> bool:
        return True

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        def shown() -> None:
            if key not in self.sent:
                self.sent[key] = Heard(address, message, key, self.clock(), message)
                self.told(address, message.text)
            elif not unsure:
                self.twice.append(f"{address} was told twice: {message.text}")

        await self._call("send", shown)
        return key

    async def replace(self, address: str, ref: str, message: Message) -> None:
        def shown() -> None:
            if ref in self.sent:
                self.sent[ref].message = message
                self.told(address, message.text)

        await self._call("replace", shown)

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        def shown() -> None:
            self.answers.setdefault(by["key"], []).append(message)
            self.told(by["lane"], message.text)

        await self._call("answer", shown)

    async def home(self, address: str, message: Message) -> None:
        """Nobody looks at it."""

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        try:
            return await self.network.call("profile", lambda: self.people.get(address))
        except Lost:
            return None

    async def _call(self, name: str, effect: Callable[[], None]) -> None:
        try:
            await self.network.call(name, effect)
        except Lost as error:
            raise MessengerError(str(error), unknown=error.unknown) from error


@dataclass
class Meter:
    """A gateway with an account for each e-mail, in micro-USD. `shown`: what it says was spent, which lags.

    `step`: the smallest unit of its limits.
    """

    network: Network
    clock: Callable[[], datetime]
    step: int = 1
    family: str = "cap"
    per_key: bool = False
    calls_per_minute: int = 10**9
    spent: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    totals: dict[str, int | None] = field(default_factory=dict)

    def burn(self, account: str, amount: int) -> int:
        """Spend as far as the gateway lets it; the last call goes through whole. Returns what was spent."""
        total = self.totals[account]
        if total is not None and self.spent[account] >= total:
            return 0
        self.spent[account] += amount
        return amount

    def catch_up(self) -> None:
        self.shown = Counter(self.spent)

    def left(self, account: str) -> int:
        total = self.totals[account]
        return 10**15 if total is None else total - self.spent[account]

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        asked, names = self.clock(), sorted(self.totals)
        yield await self._call("accounts", lambda: [self._reading(one, asked) for one in names])

    async def account(self, id: str) -> Reading:  # noqa: A002
        if id not in self.totals:
            raise NoSuchAccount(id)
        asked = self.clock()
        return await self._call("account", lambda: self._reading(id, asked))

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        def written() -> Reading:
            self.totals[id] = total
            return self._reading(id, self.clock())

        return await self._call("set_total", written)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        self.totals[id] = found
        return self._reading(id, self.clock())

    def holds(self, total: int) -> int:
        return total // self.step * self.step

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        for page in ():
            yield page

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        return []

    async def free_models(self, names: Collection[str]) -> set[str]:
        return set()

    async def _call(self, name: str, effect: Callable[[], T]) -> T:
        try:
            return await self.network.call(name, effect)
        except Lost as error:
            raise GatewayError(str(error), unknown=error.unknown) from error

    def _reading(self, account: str, asked: datetime) -> Reading:
        shown = self.shown[account]
        return Reading(account, shown, self.totals[account], asked, email=account, owner=account)
