"""A company, its clock, and the processes of the bot between messengers and a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from sqlalchemy import event
from sqlmodel import Session, col, select

from bot.database import Database
from bot.dispatch import Dispatcher
from bot.gateways.port import GatewayError, GatewayRefused
from bot.gateways.reconcile import Reconciler
from bot.messengers.port import MessengerError, Request
from bot.migrate import migrate
from bot.people.sync import apply, survey
from bot.worker import Worker
from handlers.command import Command
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member
from models.people.profile import Profile
from models.policy import document, versions
from models.quota.closing import advance, open_first
from models.refusal import Refusal
from tests.simulation.vendors import Chat, Faults, Meter
from tests.slack_env import PATIENT

T = TypeVar("T")
SEATS = 24
"""So many have an account at the gateway; writing the limits of all would take most of a seed's time."""
START = datetime(2026, 1, 5, 4, tzinfo=UTC)
TEAMS = ("engineering", "payments", "design", "search", "sales")
POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [p0@corp.example]
admin_channel: {{slack: C0OPS}}
allocations:
  - {{match: {{employment: contractor}}, amount: 0}}
  - {{match: {{team: payments}}, amount: {more}}}
  - {{match: {{}}, amount: {base}}}
gateway: {{per_usd: 1}}
teams:
  - {{name: engineering, owner: p1@corp.example}}
  - {{name: payments, parent: engineering, owner: p2@corp.example, top_up_budget: 2000}}
requests:
  approve_up_to: {{manager: 200, owner: 2000}}
  fallback_approvers: [p0@corp.example]
"""


@dataclass(frozen=True)
class Employee:
    """A row of people.csv; `homes`: the addresses at which they write."""

    number: int
    name: str
    team: str
    manager: int | None
    employment: str
    locale: str
    homes: tuple[str, ...]

    @property
    def email(self) -> str:
        return f"p{self.number}@corp.example"

    @property
    def row(self) -> str:
        ids = {one.split(":", 1)[0]: one.split(":", 1)[1] for one in self.homes}
        boss = "" if self.manager is None else f"p{self.manager}@corp.example"
        return (
            f"{self.name},{self.email},{ids.get('slack', '')},{ids.get('dingtalk', '')},"
            f"{boss},{self.team},{self.employment},{self.locale}"
        )


HEADER = "name,email,slack_id,dingtalk_id,manager_email,team,employment,locale"


def employ(number: int, dice: Random) -> Employee:
    homes = {"slack": f"slack:U{number:05}", "dingtalk": f"dingtalk:d{number}"}
    where = dice.choice((("slack",), ("dingtalk",), ("slack", "dingtalk")))
    chinese = "dingtalk" in where and dice.random() < 0.7
    return Employee(
        number=number,
        name=f"李{number}号" if chinese else f"Person{number}",
        team=TEAMS[number % len(TEAMS)],
        manager=None if number == 0 else number // 8,
        employment="contractor" if number > 20 and dice.random() < 0.1 else "employee",
        locale="zh" if chinese else "en",
        homes=tuple(homes[one] for one in where),
    )


def settle(path: Path, people: int) -> dict[int, Employee]:
    """Write a company of so many people and open its first period; always the same company."""
    dice = Random(people)
    staff = {number: employ(number, dice) for number in range(people)}
    url = f"sqlite:///{path}"
    database = Database(url)
    migrate(database.engine)
    words = POLICY.format(base=100, more=300)
    database.transact(lambda session: hire(session, staff, START))
    version = database.transact(lambda session: versions.record_version(session, words, START, "ops"))
    database.transact(lambda session: open_first(session, START, version, document.parse(words)) and None)
    while database.transact(lambda session: advance(session, START)):
        pass
    database.close()
    return staff


def hire(session: Session, staff: dict[int, Employee], now: datetime) -> None:
    data = "\n".join([HEADER, *(one.row for one in staff.values())]) + "\n"
    apply(session, survey(session, data.encode(), remove_missing=True), now, yes=True)


@dataclass
class World:
    """One seed's company. `wrong`: every law that was broken, with the day."""

    path: Path
    staff: dict[int, Employee]
    seed: int
    now: datetime = START
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.dice, self.faults = Random(self.seed), Faults(self.seed)
        self._jobs_at = self.now
        self.homes: dict[str, Profile] = {}
        for one in self.staff.values():
            self.introduce(one)
        self.chats = {
            name: Chat(name, self.faults, lambda: self.now, self.homes) for name in ("slack", "dingtalk")
        }
        self.meter = Meter(self.faults, lambda: self.now)
        self.meter.totals = {one.email: None for one in self.staff.values() if one.number < SEATS}
        self.database = Database(f"sqlite:///{self.path}")
        event.listen(self.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.start()

    @classmethod
    def copy(cls, template: Path, path: Path, staff: dict[int, Employee], seed: int) -> World:
        shutil.copy(template, path)
        return cls(path, dict(staff), seed)

    def introduce(self, one: Employee) -> None:
        self.homes |= {home: Profile("member", one.name, one.email) for home in one.homes}

    def start(self) -> None:
        """The processes of the bot, as after a start."""
        self.loop = Reconciler(self.database, self.meter, lambda: self.now, enforce=True)
        self.dispatcher = Dispatcher(
            self.database, lambda: self.now, dict(self.chats), live=True, patience=PATIENT,
            fresh_spend=self.loop.reader.fresh, as_of=self.loop.as_of,
        )  # fmt: skip
        self.worker = Worker(
            self.database, lambda: self.now, dict(self.chats), self.dispatcher.home, live=True,
            before_turning=self.read_first,
        )  # fmt: skip
        self.worker.pace.clock = lambda: self.now.timestamp()  # noqa: PLW0108 - `now` moves

    def fail(self, what: str) -> None:
        self.wrong.append(f"{self.now:%Y-%m-%d %H:%M} {what}")

    @property
    def messages(self) -> int:
        """How many people were sent."""
        return sum(len(one.sent) for one in self.chats.values())

    # What happens

    async def ask(self, home: str, command: Command, *, key: str = "", typed: bool = True) -> Message:
        """Somebody asks something; what they are answered. `typed`: the answer comes as an effect."""
        self.requests += 1
        key = key or f"{home}:{self.requests}"
        by = {"key": key, "lane": home} if typed else None
        request = Request(key, home, command, answer_by=by)
        outcome = await self.until_killed(self.dispatcher.handle(request))
        if outcome is None:  # the messenger got no acknowledgement, so it sends the request again
            outcome = await self.dispatcher.handle(request)
        if not isinstance(outcome.message, Message):
            self.fail(f"{home} got a form for {command}")
            return Message(text="")
        return outcome.message

    async def until_killed(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """What is done, or None when the process dies on the way; then another one starts and finds the leases over."""
        task, killed = asyncio.create_task(doing), asyncio.create_task(self.faults.killed.wait())
        await asyncio.wait((task, killed), return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        if task.done():
            return task.result()
        dying = asyncio.all_tasks() - {asyncio.current_task()}
        for one in dying:
            one.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
        self.faults.killed.clear()
        self.kills += 1
        self.now += timedelta(seconds=9)
        self.start()
        return None

    async def pass_time(self, gap: timedelta) -> None:
        """The clock moves; its jobs run when they are due, and the gateway is looked at."""
        self.now += gap
        await self.until_killed(self._minute())

    async def _minute(self) -> None:
        await self.look(whole=True)
        if self.now >= self._jobs_at:  # every job each minute would take most of a seed's time
            await self.worker.schedule()
            self._jobs_at = self.now + timedelta(minutes=30)
        await self.work()

    async def look(self, *, whole: bool) -> None:
        with contextlib.suppress(GatewayError, GatewayRefused):
            await (self.loop.round() if whole else self.loop.changes())

    async def read_first(self) -> None:
        """A period ends only after the gateway was read: `Reconciler.before_turning` without its waiting."""
        try:
            await self.loop.read()
        except (GatewayError, GatewayRefused) as error:
            raise MessengerError("the gateway was not read", retry_after=10) from error

    async def work(self) -> None:
        """Everything that is due now, with what it makes due."""
        await self.worker.drain()
        await self.look(whole=False)
        await self.worker.drain()

    async def calm(self) -> None:
        """Peace: no faults, and time for what rested and was paced."""
        self.faults.rate, self.faults.kill_in = 0.0, 0
        self.meter.catch_up()
        for _ in range(6):
            await self.pass_time(timedelta(minutes=20))
        while self.read(_waiting):
            await self.pass_time(timedelta(minutes=5))

    def hire(self) -> None:
        for one in self.staff.values():
            if one.number < SEATS:
                self.meter.totals.setdefault(one.email, None)
        self.database.transact(lambda session: hire(session, self.staff, self.now))

    def read(self, what):  # type: ignore[no-untyped-def]
        return self.database.transact(what)

    def try_(self, what) -> None:  # type: ignore[no-untyped-def]
        try:
            self.database.transact(what)
        except Refusal:
            """Then it does not happen."""

    def close(self) -> None:
        self.database.close()


def _waiting(session: Session) -> bool:
    query = select(Effect.id).where(
        col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None), Effect.kind != "job"
    )
    return session.exec(query.limit(1)).first() is not None


def member_at(session: Session, home: str) -> Member:
    return Member.at(session, home)
