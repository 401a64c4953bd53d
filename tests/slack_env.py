"""The whole bot against a stand-in Slack: a clock that the test moves, and a small language for what people do.

`say`, `press`, `fill`, `home` are what people do and answer with what they see; `hear` and `shows` wait for what
others see. Nothing in a story names a messenger, so the same story can be told on another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import Session, select

from bot.app import App, open_app
from bot.database import Database
from bot.patience import Patience
from bot.settings import Settings
from models.ledger import audit
from models.ledger.transfer import Cause
from models.metering.usage import MemberUsage, book
from models.people.member import Member
from models.policy import versions
from sandbox.slack.workspace import Ack, Channel, Message, Person, Timing, View, Workspace
from tests.company import CAST, who
from tests.running import BOUND, Clock, Running

T = TypeVar("T")

CHANNEL = "C01DESIGN"
MODES = ("socket", "http")
PATIENT = Patience(commit=BOUND, read=BOUND, click=BOUND, card=BOUND)
"""A busy machine is slow, and no test may fail for it."""
BOT = "@quotabot"


@dataclass
class SlackEnv(Running):
    """A stand-in Slack with its people, the running bot, and its clock."""

    slack: Workspace
    app: App
    database: Database
    clock: Clock
    spoken: str = ""
    acks: list[Ack] = field(default_factory=list)

    settled = Running.finished

    @property
    def there(self) -> Workspace:
        return self.slack

    # What people do

    async def say(self, name: str, words: str, *, channel: str = "", thread: str = "") -> Message:
        """Write to the bot (in a channel: mention it); what it answers this person."""
        before = len(self.slack.messages)
        text = f"{BOT} {words}" if channel else words
        await self._ack(self.slack.say(slack_id(name), text, channel=channel, thread_ts=thread))
        return await self._answer(name, before + 1)

    async def command(self, name: str, words: str = "", *, channel: str = "") -> Message:
        """Type a slash command; its answer: in the acknowledgement, or beside it by the time that comes."""
        before = len(self.slack.messages)
        ack = await self._ack(self.slack.command(slack_id(name), words, channel=channel))
        beside = [one for one in self.slack.messages[before:] if one.ephemeral_for == slack_id(name)]
        answer = ack.message or next(iter(beside), None)
        assert answer is not None, f"no answer: {ack}"
        return answer

    async def open(self, name: str, words: str) -> View:
        """Type a slash command that is answered by a form."""
        await self._ack(self.slack.command(slack_id(name), words))
        return await self.until(lambda: self.slack.modal(slack_id(name)))

    async def press(self, name: str, where: Message | View, action: str, value: str | None = None) -> Any:
        """Press a button; what this person is answered: a message, or a form."""
        stands = self.slack.original(where) if isinstance(where, Message) else None
        before, old = len(self.slack.messages), stands.edited if stands else ""
        await self._ack(self.slack.press(slack_id(name), where, action, value))
        modal = self.slack.modal(slack_id(name))
        if modal is not None:
            return modal
        return await self._answer(name, before, stands, old)

    async def fill(self, name: str, form: View, **answers: str) -> dict[str, str]:
        """Fill a form in and send it; what it complains of, by field."""
        await self._ack(self.slack.submit(slack_id(name), form, answers))
        return form.errors

    async def home(self, name: str) -> View:
        """Open one's own page."""
        user, old = slack_id(name), self.slack.homes.get(slack_id(name))
        await self._ack(self.slack.open_home(user))
        return await self.until(lambda: self._new_home(user, old))

    def _new_home(self, user: str, old: View | None) -> View | None:
        found = self.slack.homes.get(user)
        return (
            found if found is not old and (found is None or old is None or found.hash != old.hash) else None
        )

    # What people see

    async def hear(self, name: str, *words: str, after: int = 0) -> Message:
        """The newest direct message to somebody that holds all these words; waits for it."""

        def found() -> Message | None:
            said = [one for one in self.inbox(name)[after:] if all(word in one.shown for word in words)]
            return said[-1] if said else None

        try:
            return await self.until(found)
        except TimeoutError:
            raise AssertionError(f"{name} never heard {words}; but: {self.heard(name)}") from None

    async def shows(self, message: Message, *words: str) -> None:
        """Wait until what stands there holds all these words."""
        try:
            await self.until(lambda: all(word in message.shown for word in words))
        except TimeoutError:
            raise AssertionError(f"never showed {words}; but: {message.shown}") from None

    async def home_shows(self, name: str, *words: str) -> View:
        """Wait until somebody's page holds all these words."""

        def found() -> View | None:
            page = self.slack.homes.get(slack_id(name))
            return page if page and all(word in page.shown for word in words) else None

        try:
            return await self.until(found)
        except TimeoutError:
            raise AssertionError(
                f"never on the page: {words}; but: {self.slack.homes[slack_id(name)].shown}"
            ) from None

    def inbox(self, name: str) -> list[Message]:
        """What the bot told somebody in their own chat, oldest first."""
        return [one for one in self.slack.inbox(slack_id(name)) if one.user == self.slack.bot.id]

    def heard(self, name: str) -> list[str]:
        return [one.shown for one in self.inbox(name)]

    def in_thread(self, thread: str) -> list[Message]:
        """What the bot said for everybody in a thread."""
        return [
            one
            for one in self.slack.messages
            if one.thread_ts == thread and one.user == self.slack.bot.id and not one.ephemeral_for
        ]

    # What is true

    def change(self, name: str, **facts: Any) -> None:
        """The directory changes: a manager, a language, a leaving."""
        self.database.transact(lambda session: changed(session, name, facts))

    def spend(self, name: str, amount: float, model: str = "claude") -> None:
        """The gateway metered so much more for somebody today."""

        self.database.transact(lambda session: metered(session, self.clock(), name, amount, model))

    def audit(self) -> None:
        """The whole ledger adds up, and Slack had nothing to object to."""
        found = self.database.transact(audit.audit)
        assert not found.wrong, found.wrong
        assert not self.slack.violations, list(self.slack.violations)

    @contextlib.contextmanager
    def impatient(self, **seconds: float) -> Iterator[None]:
        """Let requests give up early, as they do where a vendor or the database hangs."""
        with impatient(self.app, **seconds):
            yield

    async def _ack(self, doing: Any) -> Ack:
        ack: Ack = await doing
        self.acks.append(ack)
        return ack

    async def _answer(self, name: str, before: int, where: Message | None = None, old: str = "") -> Message:
        user = slack_id(name)
        place = self.slack.dm(user).id

        def found() -> Message | None:
            if where is not None and where.ephemeral_for and where.edited != old:
                return where
            for one in self.slack.messages[before:]:
                direct = where is None and one.channel == place and not (one.ephemeral_for or one.metadata)
                mine = one.ephemeral_for == user or direct  # what is told unasked carries metadata
                if one.user == self.slack.bot.id and mine:
                    return one
            return None

        return await self.until(found)


def metered(session: Session, now: datetime, name: str, amount: float, model: str = "claude") -> None:
    """The gateway metered so much more, in whole units, for somebody today."""
    current = versions.current(session)
    assert current is not None
    cause = Cause(now, "gateway", f"usage:{model}", "", 1)
    reading = MemberUsage(who(session, name).id, now.date(), model, round(amount * 1_000_000))
    book(session, [reading], zone=current[1].zone, cause=cause)


def changed(session: Session, name: str, facts: dict[str, Any]) -> None:
    """The directory says so much else of somebody."""
    member = who(session, name)
    for key, value in facts.items():
        setattr(member, key, who(session, value).id if key == "manager_id" and value else value)
    session.add(member)


@contextlib.contextmanager
def impatient(app: App, **seconds: float) -> Iterator[None]:
    before = app.dispatcher.patience
    app.dispatcher.patience = replace(before, **seconds)
    yield
    app.dispatcher.patience = before


def slack_id(name: str) -> str:
    return CAST[name][0] if name in CAST else name


def code_of(message: Message | View) -> str:
    """The CODE that the buttons of a message carry."""
    return next(
        str(one["value"]) for name, one in message.actions.items() if name.startswith(("request.", "borrow."))
    )


def cast(language: str | None = None) -> list[Person]:
    """The company as people of the stand-in Slack."""
    return [
        Person(
            id=row[0], name=name, real_name=name.capitalize(), email=f"{name}@corp.example",
            locale="zh-CN" if (language or row[5]) == "zh" else "en-US", tz="Asia/Shanghai",
        )
        for name, row in CAST.items()
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def open_env(
    url: str,
    *,
    mode: str = "socket",
    language: str | None = None,
    people: tuple[Person, ...] = (),
    channels: tuple[Channel, ...] = (),
    enterprise_id: str = "",
    **settings: Any,
) -> AsyncIterator[SlackEnv]:
    """Run the bot on the settled database at `url` against a stand-in Slack."""
    everybody = [*cast(language), *people]
    inside = [one.id for one in everybody if not (one.is_restricted or one.team_id)] + ["U0QUOTABOT"]
    channel = Channel(id=CHANNEL, name="design", members=inside)
    timing = Timing(patience=BOUND)
    places = [channel, *channels]
    async with Workspace(
        people=everybody, channels=places, timing=timing, enterprise_id=enterprise_id
    ) as slack:
        given = {
            "database_url": url, "slack_bot_token": slack.bot_token, "slack_api_url": slack.api_url, "http_port": 0,
            "slack_signing_secret": slack.signing_secret, "slack_app_token": slack.app_token if mode == "socket" else None,
        }  # fmt: skip
        clock = Clock()
        async with open_app(Settings(_env_file=None, **(given | settings)), clock, PATIENT) as built:
            built.worker.pace.clock = lambda: clock().timestamp()
            env = SlackEnv(slack, built, built.database, clock, language or "")
            if language:
                built.database.transact(lambda session: _speak(session, language))
            stop = asyncio.Event()
            running = asyncio.create_task(built.run(stop))
            try:
                await _listening(env, running, mode)
                await built.dispatcher.home(
                    f"slack:{slack_id('alice')}"
                )  # the first query of a process is slow
                yield env
            finally:
                stop.set()
                await running


def _speak(session: Session, language: str) -> None:
    for member in session.exec(select(Member)).all():
        member.locale = language
        session.add(member)


async def _listening(env: SlackEnv, running: asyncio.Task[None], mode: str) -> None:
    end = time.monotonic() + BOUND
    while not (env.app.runner and env.app.messengers["slack"].ready()):
        assert not running.done(), "the bot did not start"
        assert time.monotonic() < end, "the bot does not start"
        await asyncio.sleep(0.005)
    if mode == "http":
        env.slack.http_target = f"http://127.0.0.1:{env.app.port}/slack/events"


def settled_copy(template: Path, folder: Path) -> str:
    """The url of a fresh copy of a settled company."""
    shutil.copy(template, folder / "quotabot.db")
    return f"sqlite:///{folder / 'quotabot.db'}"


__all__ = [
    "BOT",
    "BOUND",
    "CHANNEL",
    "MODES",
    "Clock",
    "SlackEnv",
    "code_of",
    "impatient",
    "metered",
    "open_env",
    "slack_id",
]
