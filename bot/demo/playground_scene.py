"""One scene of the playground: a stand-in Slack, a stand-in gateway, and the production bot between them, on a clock of their own."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlmodel import Session, select

from bot.database import Database
from bot.demo import playground_ledger as ledger
from bot.demo import seed
from bot.demo.gateways.litellm import LiteLLM
from bot.demo.seed import BY_SLACK, CAST, STRONG, WHO
from bot.demo.slack import Message, View, Workspace
from bot.migrate import migrate
from bot.reconcile import Reconciler
from bot.running import House, house
from bot.settings import Settings
from models.member import Member

Json = dict[str, Any]
CALLS, TOKENS = 8, "in=100000 out=40000"
"""An agent's run: so many calls of this size, which is 1.50 USD each."""
BETWEEN = 0.09
"""Seconds between an agent's calls, so that one sees them."""


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
        """The same for Slack."""
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
    """Everything of one playing, and what the page can do in it."""

    def __init__(self, language: str, clock: Clock, slack: Workspace, gateway: LiteLLM, built: House) -> None:
        self.language, self.clock, self.slack, self.gateway, self.house = (
            language,
            clock,
            slack,
            gateway,
            built,
        )
        self.pulse, self.runs = Pulse(), dict[str, Run]()
        self.hit = self.passed = self.touched = False
        self.started = clock.now()
        self.keys = {
            role.slack: gateway.add_key(role.email, key_alias=f"{role.name.lower()}-agent") for role in CAST
        }
        self._heard = self.reconciler.told
        self.reconciler.told = self._told

    @property
    def reconciler(self) -> Reconciler:
        """The production loop that holds gateway and ledger equal."""
        assert self.house.reconciler is not None
        return self.house.reconciler

    def _told(self) -> None:
        self._heard()
        self.pulse.beat()

    async def it_is(self, moment: datetime) -> None:
        """Set the clock, and let the gateway be read then."""
        self.clock.set(moment)
        await self.reconciler.round()

    async def watch(self) -> None:
        """Show every change in Slack."""
        with self.slack.changes() as changes:
            async for _ in changes:
                self.pulse.beat()

    # ---- what one can do ----------------------------------------------------------------------------

    async def say(self, user: str, text: str, channel: str = "", thread_ts: str = "") -> None:
        """Write something; a slash makes it a command."""
        self.touched = True
        name, _, words = text.strip().partition(" ")
        if name == self.house.settings.slack_command and not thread_ts:
            await self.slack.command(user, words.strip(), channel=channel)
        elif name.startswith("/"):
            where = "/quota does not work in threads" if thread_ts else f"{name} is not a valid command"
            self.slack.notice(user, channel, where)
        else:
            await self.slack.say(user, text.strip(), channel=channel, thread_ts=thread_ts)

    async def press(self, user: str, where: Message | View, action: str, value: str | None) -> None:
        """Click a button."""
        self.touched = True
        await self.slack.press(user, where, action, value)

    async def submit(self, user: str, view: View, values: Json) -> None:
        """Send a form."""
        await self.slack.submit(user, view, values)

    async def spend(self, user: str) -> Run:
        """Let somebody's agent work till it is done or the gateway refuses."""
        self.touched = True
        if (current := self.runs.get(user)) and current.running:
            return current
        run = self.runs[user] = Run()
        try:
            while run.calls < run.of and not run.refused:
                await self._call(user, run)
                self.pulse.beat()
                await asyncio.sleep(BETWEEN)
        finally:
            run.running = False
            await self._note(user, run)
        return run

    async def _call(self, user: str, run: Run) -> None:
        body = {"model": STRONG, "messages": [{"role": "user", "content": f"next variant, {TOKENS}"}]}
        headers = {"Authorization": f"Bearer {self.keys[user].secret}"}
        async with self.house.http.post(
            f"{self.gateway.url}/v1/chat/completions", json=body, headers=headers
        ) as reply:
            answer = await reply.json()
        if reply.status == 200:
            run.calls += 1
            self.gateway.flush()
            self.reconciler.wake()
        else:
            run.status, run.refused = reply.status, f"{answer['error']['type']}: {answer['error']['message']}"

    async def _note(self, user: str, run: Run) -> None:
        await self.reconciler.round()
        if user == WHO["Alice"].slack:
            self.passed = self.passed or (self.hit and not run.refused)
            self.hit = self.hit or bool(run.refused)
        self.pulse.beat()

    async def speak(self, language: str) -> None:
        """Everybody reads another language from now on; pages that were opened are published anew."""
        self.language = language
        await self.house.database.run(partial(_speak, language=language))
        for role in CAST:
            self.slack.change_person(role.slack, locale=seed.slack_locale(language))
        for user in list(self.slack.homes):
            await self.slack.open_home(user)

    # ---- faults -------------------------------------------------------------------------------------

    def trouble(self, *, duplicate: bool, limit: bool) -> None:
        """`duplicate`: every click arrives twice. `limit`: the next message is refused with 429 and comes two seconds later."""
        self.slack.trouble.clear()
        if duplicate:
            self.slack.trouble.duplicate("interactive", times=None)
        if limit:
            self.slack.trouble.rate_limit("chat.postMessage", retry_after=2)

    def disconnect(self) -> None:
        """Every socket breaks without a word; the bot notices at its next ping and comes back by itself."""
        self.slack.drop_sockets()

    # ---- the story by itself, for deep links --------------------------------------------------------

    async def play_to(self, step: int) -> None:
        """Bring the story at least so far: 2 the wall was hit, 3 Bob approved, 4 the retry passed."""
        alice = WHO["Alice"].slack
        if step >= 2 and not self.hit:
            await self.spend(alice)
        if step >= 3 and not (await self.story())["helped"]:
            await self._ask_and_approve(alice, WHO["Bob"].slack)
            await self.reconciler.round()
        if step >= 4 and not self.passed:
            await self.spend(alice)

    async def _ask_and_approve(self, alice: str, bob: str) -> None:
        slack, before = self.slack, len(self.slack.inbox(bob))
        told = [one for one in slack.inbox(alice) if "request.open" in one.actions]
        await self.press(alice, told[-1], "request.open", None)
        await slack.wait_for(lambda: slack.modal(alice))
        why = "用智能体做完结账页" if self.language == "zh" else "finish the checkout with the agent"
        await self.submit(alice, slack.modals[alice][-1], {"amount": "50", "reason": why})
        card = (await slack.wait_for(lambda: slack.inbox(bob)[before:]))[0]
        heard = len(slack.inbox(alice))
        await self.press(bob, card, "request.approve", None)
        await slack.wait_for(lambda: card.edited and len(slack.inbox(alice)) > heard + 1)

    async def story(self) -> Json:
        """Which hints are done, and what to do next."""
        alice, carol = WHO["Alice"].email, WHO["Carol"].email
        facts = await self.house.database.run(
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

    def account(self, user: str) -> Json:
        """Limit and spend at the gateway, in USD, and the latest run."""
        budget, run = self.gateway.users[BY_SLACK[user].email], self.runs.get(user)
        return {"limit": budget.max_budget, "spent": budget.live, "run": vars(run) if run else None}


def _speak(session: Session, language: str) -> None:
    for member in session.exec(select(Member)).all():
        member.locale = language
        session.add(member)


@contextlib.asynccontextmanager
async def scene(language: str, start: datetime) -> AsyncIterator[Scene]:
    """A scene at `start`, its past lived; all of it, the database file too, is gone at the end."""
    clock = Clock(seed.moving_day(start))
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="quotabot-demo-"))
        file = Path(folder) / "demo.db"
        file.write_bytes(await asyncio.to_thread(_settled, language, start))
        url = f"sqlite:///{file}"
        users = {role.email: role.email for role in CAST}
        gateway = await stack.enter_async_context(LiteLLM(users=users, clock=clock.now))
        people = seed.people(language)
        slack = await stack.enter_async_context(
            Workspace(people=people, channels=seed.channels("U0QUOTABOT"), clock=clock.timestamp)
        )
        built = await stack.enter_async_context(house(_settings(url, slack, gateway), clock.now))
        stop = asyncio.Event()
        stack.push_async_callback(_ended, stop, asyncio.create_task(built.run(stop)))
        await slack.wait_for(lambda: slack.connections)
        made = Scene(language, clock, slack, gateway, built)
        await seed.live_the_past(made, start)
        made.started = start
        tasks = [asyncio.create_task(made.watch())]
        stack.push_async_callback(_cancelled, tasks)
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
            seed.settle(database, language, start)
        finally:
            database.close()
        return file.read_bytes()


def _settings(url: str, slack: Workspace, gateway: LiteLLM) -> Settings:
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
        dingtalk_client_id=None,
        dingtalk_client_secret=None,
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
