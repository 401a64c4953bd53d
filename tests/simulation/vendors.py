"""Messengers and a gateway at their ports, with the faults of a seed.

A fault depends on the seed, the call and how often it was made, never on the order of calls, so a seed is replayable.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Any

from bot.gateways.port import Finding, GatewayError, NoSuchAccount
from bot.messengers.port import MessengerError
from models.messages.message import Message
from models.metering.reading import KeyUsage, Reading
from models.people.profile import Profile


class Faults:
    """`rate`: the share of calls that fail, half of them after their effect. 0 is peace.

    `kill_in`: the process dies so many calls to a vendor from now, before or after the effect of the call.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rate = seed, 0.0
        self.kill_in, self.killed = 0, asyncio.Event()
        self._calls: Counter[str] = Counter()

    async def point(self) -> None:
        """A place where the process may die: then nothing after it happens."""
        if self.kill_in:
            self.kill_in -= 1
            if not self.kill_in:
                self.killed.set()
                await asyncio.Event().wait()

    def roll(self, call: str) -> str:
        """`before`, `after` or nothing."""
        self._calls[call] += 1
        dice = Random(f"{self.seed}:{call}:{self._calls[call]}")
        if dice.random() >= self.rate:
            return ""
        return dice.choice(("before", "after"))


@dataclass
class Heard:
    """A message as somebody sees it now. `key`: the effect or the request; `first`: what it said at first."""

    address: str
    message: Message
    key: str
    at: datetime
    first: Message


@dataclass
class Chat:
    """A messenger that knows everybody and keeps what it shows."""

    name: str
    faults: Faults
    clock: Callable[[], datetime]
    people: dict[str, Profile]
    sent: dict[str, Heard] = field(default_factory=dict)
    answers: dict[str, list[Message]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def ready(self) -> bool:
        return True

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        if key in self.sent:
            if not unsure:
                self.twice.append(f"{address} was told twice: {message.text}")
            return key
        fault = self.faults.roll(f"send:{key}")
        await self.faults.point()
        if fault == "before":
            raise MessengerError("does not answer")
        self.sent[key] = Heard(address, message, key, self.clock(), message)
        await self.faults.point()
        if fault == "after":
            raise MessengerError("the reply is lost", unknown=True)
        return key

    async def replace(self, address: str, ref: str, message: Message) -> None:
        if self.faults.roll(f"replace:{ref}") == "before":
            raise MessengerError("does not answer")
        if ref in self.sent:
            self.sent[ref].message = message
        await self.faults.point()

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        if self.faults.roll(f"answer:{by['key']}") == "before":
            raise MessengerError("does not answer")
        self.answers.setdefault(by["key"], []).append(message)
        await self.faults.point()

    async def home(self, address: str, message: Message) -> None:
        """Nobody looks at it."""

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return self.people.get(address)


@dataclass
class Meter:
    """A gateway with an account for each e-mail, in micro-USD. `shown`: what it says was spent, which lags."""

    faults: Faults
    clock: Callable[[], datetime]
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
        if self.faults.roll("accounts"):
            raise GatewayError("does not answer")
        names = sorted(self.totals)
        for start in range(0, len(names), 500):
            yield [self._reading(one) for one in names[start : start + 500]]

    async def account(self, id: str) -> Reading:  # noqa: A002
        if id not in self.totals:
            raise NoSuchAccount(id)
        return self._reading(id)

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        fault = self.faults.roll(f"total:{id}")
        if fault == "before":
            raise GatewayError("does not answer")
        await self.faults.point()
        self.totals[id] = total
        await self.faults.point()
        if fault == "after":
            raise GatewayError("the reply is lost", unknown=True)
        return self._reading(id)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        self.totals[id] = found
        return self._reading(id)

    def holds(self, total: int) -> int:
        return total

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        for page in ():
            yield page

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        return []

    async def free_models(self, names: Collection[str]) -> set[str]:
        return set()

    def _reading(self, account: str) -> Reading:
        shown = self.shown[account]
        return Reading(account, shown, self.totals[account], self.clock(), email=account, owner=account)
