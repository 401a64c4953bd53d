"""One scene of the playground: stand-ins for Slack, DingTalk and the gateway, and the production bot between them.

They share a clock of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlmodel import Session, select

from bot.app import App, open_app
from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.migrate import migrate
from bot.settings import Settings
from models.people.member import Member
from sandbox.dingtalk.organisation import DingTalk
from sandbox.gateways.litellm import LiteLLM
from sandbox.playground import ledger, story
from sandbox.playground.screens import DingTalkScreen, Line, Screen, SlackScreen
from sandbox.playground.story import CAST, HOME, SAID, STRONG, WHO, Role
from sandbox.slack.board import Feed
from sandbox.slack.workspace import Workspace

Json = dict[str, Any]
T = TypeVar("T")
CALLS, TOKENS = 8, "in=100000 out=40000"
"""An agent's run: so many calls of this size, which is 1.50 USD each."""
BETWEEN = 0.09
"""Seconds between an agent's calls, so that one sees them."""
PATIENCE = 8.0
"""Seconds that one step of the story may take."""
TEMPLATE = "quotabot.schema"
"""The card template that stands at DingTalk."""


class Clock:
    """The time in the scene: set back for the past, then running on."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        """It is `at` now."""
        self._at, self._since = at, time.monotonic()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    def timestamp(self) -> float:
        """The same for the stand-ins."""
        return self.now().timestamp()


class Pulse:
    """Counts what moved, and wakes whoever shows it."""

    def __init__(self) -> None:
        self.count, self.closed = 1, False
        self._moved = asyncio.Event()

    def beat(self) -> None:
        """Something moved."""
        self.count += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def close(self) -> None:
        """Nothing will move any more."""
        self.closed = True
        self.beat()

    async def since(self, seen: int) -> int:
        """The count, as soon as it is another than `seen`."""
        while self.count == seen:
            await self._moved.wait()
        return self.count


@dataclass
class Run:
    """What became of somebody's latest agent: calls that passed, and the gateway's words when it refused."""

    calls: int = 0
    of: int = CALLS
    running: bool = True
    status: int = 0
    refused: str = ""


class Scene:
    """Everything of one playing, and what the page can do in it. Whoever acts is a `Role`, on the messenger they hold."""

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
        self.slack, self.dingtalk = slack, dingtalk
        self.on_slack = SlackScreen(slack, built.settings.slack_command)
        self.screens: dict[str, Screen] = {"slack": self.on_slack, "dingtalk": DingTalkScreen(dingtalk)}
        self.holds = {role.id: HOME[language] for role in CAST}
        """Who is on which messenger now."""
        self.pulse, self.runs = Pulse(), dict[str, Run]()
        self.hit = self.passed = self.touched = False
        self.started = clock.now()
        self.keys = {role.id: gateway.add_key(role.email, key_alias=f"{role.id}-agent") for role in CAST}
        self._heard = self.reconciler.told
        self.reconciler.told = self._told

    @property
    def reconciler(self) -> Reconciler:
        """The production loop that holds gateway and ledger equal."""
        assert self.app.reconciler is not None
        return self.app.reconciler

    def _told(self) -> None:
        self._heard()
        self.pulse.beat()

    async def it_is(self, moment: datetime) -> None:
        """Set the clock, and let the gateway be read then."""
        self.clock.set(moment)
        await self.reconciler.round()

    async def watch(self, feed: Feed) -> None:
        """Show every change on a messenger."""
        with feed.read() as changes:
            async for _ in changes:
                self.pulse.beat()

    async def until(self, found: Callable[[], T]) -> T:
        """The first true answer of `found`, asked again whenever anything moved."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while not (answer := found()):
                seen = await self.pulse.since(seen)
        return answer

    # ---- what one can do ----------------------------------------------------------------------------

    def screen(self, role: Role) -> Screen:
        """The messenger that somebody holds."""
        return self.screens[self.holds[role.id]]

    async def pick(self, role: Role, messenger: str) -> None:
        """Somebody picks up a messenger: from now on the bot writes to them there."""
        self.holds[role.id] = self.screens[messenger].name
        await self.app.database.write(
            partial(story.seen, address=role.address(messenger), now=self.clock.now())
        )
        self.pulse.beat()

    def heard(self, role: Role) -> int:
        """How often the bot spoke to somebody where they are."""
        return self.screen(role).heard(role)

    async def say(self, role: Role, text: str, place: str = "", thread: str = "") -> None:
        """Write something, to the bot unless a place is named."""
        self.touched = True
        await self.screen(role).say(role, text, place, thread)

    async def press(self, role: Role, said: Json) -> str:
        """Click a button; why it failed, if it did."""
        self.touched = True
        return await self.screen(role).press(role, said)

    async def spend(self, role: Role) -> Run:
        """Let somebody's agent work till it is done or the gateway refuses."""
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
            await self._note(role, run)
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

    async def _note(self, role: Role, run: Run) -> None:
        await self.reconciler.round()
        if role == WHO["Alice"]:
            self.passed = self.passed or (self.hit and not run.refused)
            self.hit = self.hit or bool(run.refused)
        self.pulse.beat()

    async def speak(self, language: str) -> None:
        """Everybody reads another language from now on; pages that were opened are published anew."""
        self.language = language
        await self.app.database.write(partial(_speak, language=language))
        for role in CAST:
            self.slack.change_person(role.slack, locale=story.slack_locale(language))
        for user in list(self.slack.homes):
            await self.slack.open_home(user)

    # ---- faults -------------------------------------------------------------------------------------

    def plan_faults(self, *, duplicate: bool, limit: bool) -> None:
        """`duplicate`: every click arrives twice. `limit`: the next message is refused, and comes a moment later."""
        for screen in self.screens.values():
            screen.plan_faults(duplicate=duplicate, limit=limit)

    async def disconnect(self) -> None:
        """Every socket breaks without a word, on both messengers."""
        for screen in self.screens.values():
            await screen.disconnect()

    def wire(self, most: int) -> list[Line]:
        """The latest traffic between the messengers and the bot, newest first."""
        lines = [line for screen in self.screens.values() for line in screen.wire()]
        return sorted(lines, key=lambda line: line.at, reverse=True)[:most]

    # ---- the story by itself, for deep links --------------------------------------------------------

    async def play_to(self, step: int) -> None:
        """Bring the story at least so far: 2 the wall was hit, 3 Bob approved, 4 the retry passed."""
        alice, bob = WHO["Alice"], WHO["Bob"]
        if step >= 2 and not self.hit:
            await self.spend(alice)
        if step >= 3 and not (await self.story())["helped"]:
            await story.request(self, alice, bob, SAID["more"][self.language])
            await self.reconciler.round()
        if step >= 4 and not self.passed:
            await self.spend(alice)

    async def story(self) -> Json:
        """Which hints are done, and what to do next."""
        alice, carol = WHO["Alice"].email, WHO["Carol"].email
        facts = await self.app.database.write(
            lambda session: ledger.told_since(session, alice, carol, self.started)
        )
        helped = self.hit and (facts["decided"] or facts["available"] > 0)
        if not self.hit:
            coming = "spend"
        elif not helped:
            coming = "approve" if facts["asked"] else "ask"
        elif not self.passed:
            coming = "retry"
        else:
            coming = "" if facts["lent"] else "lend"
        done = {"hit": self.hit, "helped": helped, "passed": self.passed, "lent": facts["lent"]}
        return done | {"asked": facts["asked"], "next": coming}

    def account(self, role: Role) -> Json:
        """Limit and spend at the gateway, in USD, and the latest run."""
        budget, run = self.gateway.users[role.email], self.runs.get(role.id)
        return {"limit": budget.max_budget, "spent": budget.live, "run": vars(run) if run else None}


def _speak(session: Session, language: str) -> None:
    for member in session.exec(select(Member)).all():
        member.locale = language
        session.add(member)


@contextlib.asynccontextmanager
async def scene(language: str, start: datetime) -> AsyncIterator[Scene]:
    """A scene at `start`, its past lived; all of it, the database file too, is gone at the end."""
    clock = Clock(story.moving_day(start))
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="quotabot-demo-"))
        file = Path(folder) / "demo.db"
        file.write_bytes(await asyncio.to_thread(_settled, language, start))
        url = f"sqlite:///{file}"
        users = {role.email: role.email for role in CAST}
        gateway = await stack.enter_async_context(LiteLLM(users=users, clock=clock.now))
        slack = await stack.enter_async_context(
            Workspace(
                people=story.people(language), channels=story.channels("U0QUOTABOT"), clock=clock.timestamp
            )
        )
        dingtalk = await stack.enter_async_context(
            DingTalk(
                people=story.colleagues(), departments=story.departments(), groups=story.groups(language),
                clock=clock.timestamp,
            )
        )  # fmt: skip
        built = await stack.enter_async_context(open_app(_settings(url, slack, dingtalk, gateway), clock.now))
        stop = asyncio.Event()
        stack.push_async_callback(_ended, stop, asyncio.create_task(built.run(stop)))
        made = Scene(language, clock, slack, dingtalk, gateway, built)
        tasks = [asyncio.create_task(made.watch(one.feed)) for one in (slack, dingtalk)]
        stack.push_async_callback(_cancelled, tasks)
        await made.until(lambda: all(screen.connected for screen in made.screens.values()))
        await story.live_the_past(made, start)
        made.started, made.touched = start, False
        stack.callback(made.pulse.close)
        yield made


@lru_cache(maxsize=2)
def _settled(language: str, start: datetime) -> bytes:
    """A database in which the company has just moved in; made once, so that starting over is quick."""
    with tempfile.TemporaryDirectory(prefix="quotabot-demo-") as folder:
        file = Path(folder) / "settled.db"
        database = Database(f"sqlite:///{file}")
        try:
            migrate(database.engine)
            story.settle(database, language, start)
        finally:
            database.close()
        return file.read_bytes()


def _settings(url: str, slack: Workspace, dingtalk: DingTalk, gateway: LiteLLM) -> Settings:
    """As an admin would set them, whatever the environment says."""
    return Settings(
        _env_file=None,
        database_url=url,
        http_host="127.0.0.1",
        http_port=0,
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_signing_secret=SecretStr(slack.signing_secret),
        slack_api_url=slack.api_url,
        slack_command="/quota",
        dingtalk_client_id=dingtalk.client_id,
        dingtalk_client_secret=SecretStr(dingtalk.client_secret),
        dingtalk_robot_code=None,
        dingtalk_card_template_id=TEMPLATE,
        dingtalk_api_url=dingtalk.url,
        dingtalk_oapi_url=dingtalk.url,
        gateway_kind="litellm",
        gateway_url=gateway.url,
        gateway_key=SecretStr(gateway.key),
        gateway_mode="enforce",
        gateway_sync_seconds=1,
    )


async def _ended(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    stop.set()
    await running


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
