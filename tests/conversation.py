"""One small language for what people do, whichever messenger they are on: `say`, `hear`, `press`, `shows`.

People write `@bob` in the words. On Slack that is a mention in their own chat with the bot; on DingTalk, where only a group
has mentions, it is said in the group and answered in private. Emphasis is left out of what is seen, as each draws its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sandbox.dingtalk import organisation as dingtalk
from sandbox.slack import workspace as slack
from tests import dingtalk_env as ding
from tests.slack_env import SlackEnv, changed, metered


@dataclass(frozen=True)
class Seen:
    """A message in somebody's chat. `read` returns its present text, `press` its present actions."""

    read: Callable[[], str]
    press: Callable[[], set[str]]
    what: slack.Message | dingtalk.Message
    then: slack.Message | dict[str, str]
    """As it stood when it was seen, for a click that comes late: the message, or the buttons' values by action."""

    @property
    def text(self) -> str:
        return plain(self.read())

    @property
    def actions(self) -> set[str]:
        return self.press()


class Talk(Protocol):
    """What people do and see on one messenger, and the balances afterwards."""

    async def say(self, name: str, words: str) -> Seen:
        """Write to the bot; what it answers."""

    async def reply(self, name: str, seen: Seen, words: str) -> Seen:
        """Write below a message of the bot: in its thread, or quoting it; what it answers."""

    async def hear(self, name: str, *words: str) -> Seen:
        """The newest that holds all these words in somebody's chat; waits for it."""

    async def press(self, name: str, seen: Seen, action: str) -> str:
        """Press a button; what this person reads then."""

    async def shows(self, seen: Seen, *words: str) -> None:
        """Wait until what stands there holds all these words."""

    async def settles(self, seen: Seen, *actions: str) -> None:
        """Wait until none of these can be pressed any more."""

    def heard(self, name: str) -> list[str]:
        """Everything in somebody's chat with the bot."""

    async def at(self, moment: datetime) -> None:
        """It is `moment` now, and what was due by then is done."""

    def change(self, name: str, **facts: Any) -> None:
        """The directory changes: a manager, a leaving."""

    def left(self, name: str) -> float:
        """What somebody has available, in whole units."""

    def spend(self, name: str, amount: float) -> None:
        """The gateway metered so much more for somebody today."""

    def audit(self) -> None:
        """The ledger adds up, and the messenger had nothing to object to."""


def plain(text: str) -> str:
    return text.replace("*", "")


@dataclass
class SlackTalk:
    """Talk on Slack."""

    env: SlackEnv

    async def say(self, name: str, words: str) -> Seen:
        return self._seen(await self.env.say(name, words))

    async def reply(self, name: str, seen: Seen, words: str) -> Seen:
        assert isinstance(seen.what, slack.Message)
        await self.env.settled()  # where it landed is written down
        return self._seen(await self.env.say(name, words, thread=seen.what.thread_ts or seen.what.ts))

    async def hear(self, name: str, *words: str) -> Seen:
        def found() -> Seen | None:
            every = map(self._seen, reversed(self.env.inbox(name)))
            return next((one for one in every if _holds(one, words)), None)

        return await self.env.until(found)

    async def press(self, name: str, seen: Seen, action: str) -> str:
        assert isinstance(seen.what, slack.Message)
        assert isinstance(seen.then, slack.Message)
        where = seen.what if action in seen.what.actions else seen.then
        return plain((await self.env.press(name, where, action)).shown)

    async def shows(self, seen: Seen, *words: str) -> None:
        await self.env.until(lambda: _holds(seen, words))

    async def settles(self, seen: Seen, *actions: str) -> None:
        await self.env.until(lambda: not seen.actions & set(actions))

    def heard(self, name: str) -> list[str]:
        return self.env.heard(name)

    async def at(self, moment: datetime) -> None:
        await self.env.at(moment)

    def change(self, name: str, **facts: Any) -> None:
        self.env.change(name, **facts)

    def left(self, name: str) -> float:
        return self.env.left(name)

    def spend(self, name: str, amount: float) -> None:
        self.env.spend(name, amount)

    def audit(self) -> None:
        self.env.audit()

    def _seen(self, message: slack.Message) -> Seen:
        return Seen(lambda: message.shown, lambda: set(message.actions), message, message.copy())


@dataclass
class DingTalkTalk:
    """Talk on DingTalk."""

    env: ding.DingTalkEnv

    async def say(self, name: str, words: str) -> Seen:
        at = [one.lower() for one in re.findall(r"@(\w+)", words)]
        before = len(self.env.ding.heard(name))
        await self.env.say(name, re.sub(r"@\w+ ?", "", words), at=at, group=ding.GROUP if at else "")
        answer = await self.env.until(lambda: next(iter(self.env.ding.heard(name)[before:]), None))
        return self._seen(name, answer)

    async def reply(self, name: str, seen: Seen, words: str) -> Seen:
        assert isinstance(seen.what, dingtalk.Message)
        await self.env.settled()  # where it landed is written down
        before = len(self.env.ding.heard(name))
        await self.env.ding.reply(name, seen.what, words, words=False)
        answer = await self.env.until(lambda: next(iter(self.env.ding.heard(name)[before:]), None))
        return self._seen(name, answer)

    async def hear(self, name: str, *words: str) -> Seen:
        def found() -> Seen | None:
            every = (self._seen(name, one) for one in reversed(self.env.ding.heard(name)))
            return next((one for one in every if _holds(one, words)), None)

        return await self.env.until(found)

    async def press(self, name: str, seen: Seen, action: str) -> str:
        assert isinstance(seen.what, dingtalk.Message)
        assert isinstance(seen.then, dict)
        card = self.env.ding.cards[seen.what.card]
        value = _values(card, name).get(action) or seen.then[action]
        await self.env.press(name, card, action, value=value)
        return plain(ding.shown(card, name))

    async def shows(self, seen: Seen, *words: str) -> None:
        await self.env.until(lambda: _holds(seen, words))

    async def settles(self, seen: Seen, *actions: str) -> None:
        await self.env.until(lambda: not seen.actions & set(actions))

    def heard(self, name: str) -> list[str]:
        return [self._seen(name, one).text for one in self.env.ding.heard(name)]

    async def at(self, moment: datetime) -> None:
        await self.env.at(moment)

    def change(self, name: str, **facts: Any) -> None:
        self.env.database.transact(lambda session: changed(session, name, facts))

    def left(self, name: str) -> float:
        return self.env.left(name)

    def spend(self, name: str, amount: float) -> None:
        self.env.database.transact(lambda session: metered(session, self.env.clock(), name, amount))

    def audit(self) -> None:
        self.env.audit()

    def _seen(self, name: str, message: dingtalk.Message) -> Seen:
        card = self.env.ding.cards.get(message.card)
        if card is None:
            return Seen(lambda: message.text, set, message, {})
        return Seen(
            lambda: ding.shown(card, name),
            lambda: set(ding.buttons(card, name).values()),
            message,
            _values(card, name),
        )


def _values(card: dingtalk.Card, name: str) -> dict[str, str]:
    """What each button of a card carries, by its action."""
    seen = card.seen_by(name)
    return {
        seen[f"b{n}_action"]: seen[f"b{n}_value"] for n in range(1, 5) if seen.get(f"b{n}_shown") == "true"
    }


def _holds(seen: Seen, words: tuple[str, ...]) -> bool:
    return all(word in seen.text for word in words)
