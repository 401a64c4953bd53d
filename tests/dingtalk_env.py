"""The whole bot against a stand-in DingTalk (and, where asked for, a Slack beside it), with a clock that the test moves.

People are named as in `tests.company`: `alice` is also her DingTalk id. `say` and `press` answer with what that person sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlmodel import Session, select

from bot.app import App, open_app
from bot.database import Database
from bot.settings import Settings
from models.ledger import audit
from models.messages.outbox import Effect
from models.people.member import Address, Member
from sandbox.dingtalk.organisation import (
    Ack,
    Card,
    Department,
    DingTalk,
    Group,
    Message,
    Person,
    Plan,
    Timing,
)
from sandbox.slack.workspace import Channel, Workspace
from sandbox.slack.workspace import Person as SlackPerson
from tests.company import CAST, who
from tests.running import BOUND, Clock, Running
from tests.slack_env import PATIENT, impatient

T = TypeVar("T")

GROUP = "cidDESIGN"
TEMPLATE = "quotabot.schema"
DEPARTMENTS = (
    Department(2, "design", managers=("carol",)),
    Department(3, "payments", managers=("lee",)),
    Department(4, "engineering", managers=("olga",)),
)


@dataclass
class DingTalkEnv(Running):
    """A stand-in DingTalk with its people, the running bot, and its clock."""

    ding: DingTalk
    app: App
    database: Database
    clock: Clock
    slack: Workspace | None = None
    acks: list[Ack] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    settled = Running.drained
    """On DingTalk pacing and approvals wait for moments to come."""

    @property
    def there(self) -> DingTalk:
        return self.ding

    # What people do

    async def say(self, name: str, words: str, *, at: Iterable[str] = (), group: str = "") -> Message:
        """Write to the bot, in a group or alone; what stands there next."""
        before = len(self.ding.heard(group or name))
        self.acks.append(await self.ding.say(name, words, group=group, at=at))
        return await self.until(lambda: next(iter(self.ding.heard(group or name)[before:]), None))

    async def press(self, name: str, card: Card, action: str, /, **params: str) -> dict[str, str]:
        """Click, and see the card as this person sees it right after the answer."""
        ack = await self.ding.press(name, card, action, params)
        self.acks.append(ack)
        assert ack.ok, ack
        return card.seen_by(name)

    # What people see

    def heard(self, name: str) -> list[str]:
        return [one.text for one in self.ding.heard(name)]

    async def hear(self, name: str, *words: str) -> Message:
        """The newest message to somebody that holds all these words; waits for it."""

        def found() -> Message | None:
            said = [one for one in self.ding.heard(name) if all(word in one.text for word in words)]
            return said[-1] if said else None

        try:
            return await self.until(found)
        except TimeoutError:
            raise AssertionError(f"{name} never heard {words}; but: {self.heard(name)}") from None

    async def card(self, name: str, *words: str) -> Card:
        """The newest card in somebody's chat that shows all these words; waits for it."""

        def found() -> Card | None:
            for one in reversed(self.ding.messages):
                if (
                    one.place == name
                    and one.card
                    and all(word in shown(self.ding.cards[one.card], name) for word in words)
                ):
                    return self.ding.cards[one.card]
            return None

        try:
            return await self.until(found)
        except TimeoutError:
            seen = [shown(one, name) for one in self.ding.cards.values() if name in one.places]
            raise AssertionError(f"{name} never saw {words}; but: {seen}; {self.heard(name)}") from None

    # What is true

    def effects(self, kind: str = "say") -> list[Effect]:
        def read(session: Session) -> list[Effect]:
            found = list(session.exec(select(Effect).where(Effect.kind == kind)).all())
            session.expunge_all()
            return found

        return self.database.transact(read)

    @property
    def metered(self) -> int:
        """Calls that DingTalk has counted."""
        return self.ding.plan.used

    @contextlib.contextmanager
    def impatient(self, **seconds: float) -> Iterator[None]:
        """Let requests give up early, as they do where a vendor or the database hangs."""
        with impatient(self.app, **seconds):
            yield

    def audit(self) -> None:
        """The whole ledger adds up, and DingTalk had nothing to object to."""
        found = self.database.transact(audit.audit)
        assert not found.wrong, found.wrong
        assert not self.ding.violations, list(self.ding.violations)


def shown(card: Card, name: str) -> str:
    """The text of a card as this person sees it."""
    seen = card.seen_by(name)
    words = [seen.get(key, "") for key in ("title", "tag", "body")]
    words += [seen.get("hint", "")] if seen.get("hint_shown") == "true" else []
    return "\n".join([*words, *buttons(card, name)])


def buttons(card: Card, name: str) -> dict[str, str]:
    """The buttons that this person can press: label → action."""
    seen = card.seen_by(name)
    return {
        seen[f"b{n}_text"]: seen[f"b{n}_action"] for n in range(1, 5) if seen.get(f"b{n}_shown") == "true"
    }


def colleagues() -> list[Person]:
    numbers = {"design": 2, "payments": 3, "engineering": 4}
    return [
        Person(
            name,
            name.capitalize(),
            f"{name}@corp.example",
            f"{n:03d}",
            departments=(numbers.get(row[2], 1),),
            manager=row[1] or "",
        )
        for n, (name, row) in enumerate(CAST.items(), 1)
    ]


@contextlib.asynccontextmanager
async def open_env(
    url: str,
    *,
    template: str = TEMPLATE,
    language: str | None = "zh",
    on_slack: Iterable[str] = (),
    plan: Plan | None = None,
    outsiders: Iterable[Person] = (),
    connected: bool = True,
    **settings: Any,
) -> AsyncIterator[DingTalkEnv]:
    """Run the bot against a stand-in DingTalk. `on_slack` names people on Slack instead; `both:eve` is on both."""
    clock = Clock()
    slackers = {one.removeprefix("both:") for one in on_slack}
    both = {one.removeprefix("both:") for one in on_slack if one.startswith("both:")}
    people = [*colleagues(), *outsiders]
    group = Group(GROUP, "设计组", [one.id for one in people])
    async with contextlib.AsyncExitStack() as stack:
        ding = await stack.enter_async_context(
            DingTalk(
                people=people, departments=DEPARTMENTS, groups=[group], plan=plan or Plan(per_second=10_000),
                clock=lambda: clock().timestamp(), timing=Timing(patience=BOUND),
            )
        )  # fmt: skip
        slack = await stack.enter_async_context(_slack(slackers)) if slackers else None
        given: dict[str, Any] = {
            "database_url": url, "http_port": 0, "dingtalk_client_id": ding.client_id, "dingtalk_client_secret": ding.client_secret,
            "dingtalk_api_url": ding.url, "dingtalk_oapi_url": ding.url, "dingtalk_card_template_id": template or None,
        }  # fmt: skip
        if slack is not None:
            given |= {
                "slack_bot_token": slack.bot_token,
                "slack_app_token": slack.app_token,
                "slack_api_url": slack.api_url,
            }
        async with open_app(Settings(_env_file=None, **(given | settings)), clock, PATIENT) as built:
            built.worker.pace.clock = lambda: clock().timestamp()
            built.database.transact(lambda session: _move_in(session, slackers, both, language))
            env = DingTalkEnv(ding, built, built.database, clock, slack)
            running = asyncio.create_task(built.run(env.stop))
            try:
                if connected:
                    await _listening(env, running)
                yield env
            finally:
                env.stop.set()
                await running


def _slack(names: set[str]) -> Workspace:
    people = [
        SlackPerson(
            id=row[0],
            name=name,
            real_name=name.capitalize(),
            email=f"{name}@corp.example",
            tz="Asia/Shanghai",
        )
        for name, row in CAST.items()
        if name in names
    ]
    return Workspace(
        people=people, channels=[Channel(id="C01DESIGN", name="design", members=[one.id for one in people])]
    )


def _move_in(session: Session, slackers: set[str], both: set[str], language: str | None) -> None:
    for name in CAST:
        member = who(session, name)
        if name not in slackers:
            for address in session.exec(select(Address).where(Address.member_id == member.id)).all():
                session.delete(address)
        if name not in slackers or name in both:
            Address.give(session, member, f"dingtalk:{name}")
        member.locale = language or member.locale
        session.add(member)
    session.flush()


async def _listening(env: DingTalkEnv, running: asyncio.Task[None]) -> None:
    end = time.monotonic() + BOUND
    while not (env.app.runner and all(one.ready() for one in env.app.messengers.values())):
        assert time.monotonic() < end, "the bot does not start"
        assert not running.done(), "the bot has ended"
        await asyncio.sleep(0.005)


def forget_languages(session: Session) -> None:
    """Forget everybody's language."""
    for member in session.exec(select(Member)).all():
        member.locale = None
        session.add(member)
