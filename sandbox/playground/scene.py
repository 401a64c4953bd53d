"""One scene of the playground: three stand-ins, the production bot between them, and a clock of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlmodel import Session, select

from bot.app import App
from bot.gateways.reconcile import Reconciler
from models.people.member import Address, Member
from sandbox.dingtalk.organisation import DingTalk
from sandbox.feed import Feed
from sandbox.gateways.litellm import LiteLLM
from sandbox.playground.cast import CAST, HOME, STRONG, WHO, Role
from sandbox.playground.company import slack_locale
from sandbox.playground.screens import DingTalkScreen, Line, Screen, SlackScreen
from sandbox.slack.workspace import Workspace

Json = dict[str, Any]
T = TypeVar("T")
# An agent's run: this many calls of this size, 1.50 USD each.
CALLS, TOKENS = 8, "in=100000 out=40000"
# Seconds between an agent's calls, so that a visitor sees them.
BETWEEN = 0.09
# Seconds that one step of the story may take.
PATIENCE = 30.0


class Clock:
    """The time in the scene: set back for the past, then running on."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    def timestamp(self) -> float:
        return self.now().timestamp()


class Pulse:
    """Counts changes, and wakes the pages that show them."""

    def __init__(self) -> None:
        self.count, self.closed = 1, False
        self._moved = asyncio.Event()

    def beat(self) -> None:
        self.count += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def close(self) -> None:
        self.closed = True
        self.beat()

    async def since(self, seen: int) -> int:
        """Wait until the count differs from `seen`, and return it."""
        while self.count == seen:
            await self._moved.wait()
        return self.count


@dataclass
class Run:
    """A person's latest agent run: calls that passed, and the gateway's error when it refused."""

    calls: int = 0
    of: int = CALLS
    running: bool = True
    status: int = 0
    refused: str = ""


class Scene:
    """The state of one scene, and the page's actions in it. A `Role` acts on the messenger that role holds."""

    def __init__(
        self,
        language: str,
        clock: Clock,
        slack: Workspace,
        dingtalk: DingTalk,
        gateway: LiteLLM,
        built: App,
    ) -> None:
        self.language, self.clock, self.gateway, self.app = language, clock, gateway, built
        # People keep their names when the page switches its language.
        self.founded_in = language
        self.slack, self.dingtalk = slack, dingtalk
        self.on_slack = SlackScreen(slack, built.settings.slack_command)
        self.screens: dict[str, Screen] = {"slack": self.on_slack, "dingtalk": DingTalkScreen(dingtalk)}
        # The messenger that each role uses now.
        self.holds = {role.id: HOME[language] for role in CAST}
        self.pulse, self.runs = Pulse(), dict[str, Run]()
        self.hit = self.passed = self.touched = self.looked = False
        # Where the pages for people who pay are opened.
        self.pages = ""
        self.started = clock.now()
        self.keys = {role.id: gateway.add_key(role.email, key_alias=f"{role.id}-agent") for role in CAST}
        self.reconciler.listeners.append(self.pulse.beat)

    @property
    def reconciler(self) -> Reconciler:
        assert self.app.reconciler is not None
        return self.app.reconciler

    def look_at_pages(self) -> None:
        self.looked = True
        self.pulse.beat()

    async def move_to(self, moment: datetime) -> None:
        self.clock.set(moment)
        await self.reconciler.round()

    async def watch(self, feed: Feed) -> None:
        with feed.read() as changes:
            async for _ in changes:
                self.pulse.beat()

    async def until(self, found: Callable[[], T]) -> T:
        """The first true result of `found`, called again after every change.

        TimeoutError after `PATIENCE` seconds.
        """
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while not (answer := found()):
                seen = await self.pulse.since(seen)
        return answer

    # ---- what people do ----------------------------------------------------------------------------

    def screen(self, role: Role) -> Screen:
        return self.screens[self.holds[role.id]]

    async def pick(self, role: Role, messenger: str) -> None:
        """Switch a person to a messenger; the bot now writes to them there."""
        self.holds[role.id] = self.screens[messenger].name
        await self.app.database.write(
            partial(_record_seen, address=role.address(messenger), now=self.clock.now())
        )
        self.pulse.beat()

    def heard(self, role: Role) -> int:
        """The number of messages from the bot on the messenger that this role uses."""
        return self.screen(role).heard(role)

    async def say(self, role: Role, text: str, place: str = "", thread: str = "") -> None:
        self.touched = True
        await self.screen(role).say(role, text, place, thread)

    async def press(self, role: Role, said: Json) -> str:
        """Click a button. Returns the reason of a failure, else ""."""
        self.touched = True
        return await self.screen(role).press(role, said)

    async def spend(self, role: Role) -> Run:
        """Let a person's agent work until it is done or the gateway refuses."""
        self.touched = True
        if (current := self.runs.get(role.id)) and current.running:
            return current
        run = self.runs[role.id] = Run()
        try:
            while run.calls < run.of and not run.refused:
                await self._call(role, run)
                self.pulse.beat()
                await asyncio.sleep(BETWEEN)
        finally:
            run.running = False
            await self._finish(role, run)
        return run

    async def _call(self, role: Role, run: Run) -> None:
        body = {"model": STRONG, "messages": [{"role": "user", "content": f"next variant, {TOKENS}"}]}
        headers = {"Authorization": f"Bearer {self.keys[role.id].secret}"}
        async with self.app.http.post(
            f"{self.gateway.url}/v1/chat/completions", json=body, headers=headers
        ) as reply:
            answer = await reply.json()
        if reply.status == 200:
            run.calls += 1
            self.gateway.flush()
            self.reconciler.wake()
        else:
            run.status, run.refused = reply.status, f"{answer['error']['type']}: {answer['error']['message']}"

    async def _finish(self, role: Role, run: Run) -> None:
        await self.reconciler.round()
        if role == WHO["Alice"]:
            self.passed = self.passed or (self.hit and not run.refused)
            self.hit = self.hit or bool(run.refused)
        self.pulse.beat()

    async def speak(self, language: str) -> None:
        self.language = language
        await self.app.database.write(partial(_set_language, language=language))
        for role in CAST:
            self.slack.change_person(role.slack, locale=slack_locale(language))
        for user in list(self.slack.homes):
            await self.slack.open_home(user)

    # ---- faults -------------------------------------------------------------------------------------

    def plan_faults(self, *, duplicate: bool, limit: bool) -> None:
        """`duplicate`: every click arrives twice. `limit`: the next message is refused once, and sent again later."""
        for screen in self.screens.values():
            screen.plan_faults(duplicate=duplicate, limit=limit)

    async def disconnect(self) -> None:
        for screen in self.screens.values():
            await screen.disconnect()

    def wire(self, most: int) -> list[Line]:
        lines = [line for screen in self.screens.values() for line in screen.wire()]
        return sorted(lines, key=lambda line: line.at, reverse=True)[:most]

    def account(self, role: Role) -> Json:
        """Limit and spend at the gateway in USD, and the latest run."""
        budget, run = self.gateway.users[role.email], self.runs.get(role.id)
        return {"limit": budget.max_budget, "spent": budget.live, "run": vars(run) if run else None}


def _record_seen(session: Session, address: str, now: datetime) -> None:
    session.get_one(Address, address).seen_at = now


def _set_language(session: Session, language: str) -> None:
    for member in session.exec(select(Member)).all():
        member.locale = language
        session.add(member)
