"""A person's view of one messenger, and the actions of page and story there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.dingtalk import organisation
from sandbox.dingtalk.organisation import DingTalk
from sandbox.dingtalk.stream import Push
from sandbox.playground.cast import DESIGN, GROUP, Role
from sandbox.slack.workspace import Message, View, Workspace

Json = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One payload on the wire. `way`: in (to the bot) or out (from it)."""

    at: float
    messenger: str
    way: str
    what: str
    error: str
    status: int | None
    seconds: float


class Screen(Protocol):
    """One messenger, for any viewer."""

    name: str

    def shown(self, role: Role) -> Json: ...

    async def say(self, role: Role, text: str, place: str = "", thread: str = "") -> None: ...

    async def press(self, role: Role, said: Json) -> str:
        """Click the button that `said` names. Returns the error, or ""."""

    async def click(self, role: Role, action: str) -> None:
        """Click the newest button of this name in the chat with the bot."""

    def offered(self, role: Role, action: str) -> bool: ...

    def heard(self, role: Role) -> int:
        """The number of messages from the bot to this person."""

    def chat(self, role: Role, text: str, under: str = "") -> str:
        """Write to colleagues. Returns the message's id, for a reply under it."""

    def wire(self) -> Iterator[Line]: ...

    def plan_faults(self, *, duplicate: bool, limit: bool) -> None:
        """Replace the planned faults."""

    def faults(self) -> set[str]:
        """The planned faults that have not happened yet."""

    async def disconnect(self) -> None:
        # Without a close frame; the bot reconnects by itself.
        ...

    @property
    def connected(self) -> bool: ...

    @property
    def violations(self) -> list[str]:
        """The vendor's rules that the bot broke."""


class SlackScreen:
    name = "slack"

    def __init__(self, slack: Workspace, command: str) -> None:
        self.slack, self.command = slack, command

    def shown(self, role: Role) -> Json:
        shown = self.slack.snapshot(role.slack) | {"bot": self.slack.bot.id, "design": DESIGN}
        del shown["violations"], shown["faults"]
        return shown

    async def say(self, role: Role, text: str, place: str = "", thread: str = "") -> None:
        name, _, words = text.strip().partition(" ")
        if name == self.command and not thread:
            await self.slack.command(role.slack, words.strip(), channel=place)
        elif name.startswith("/"):
            where = f"{name} does not work in threads" if thread else f"{name} is not a valid command"
            self.slack.notice(role.slack, place, where)
        else:
            await self.slack.say(role.slack, text.strip(), channel=place, thread_ts=thread)

    async def press(self, role: Role, said: Json) -> str:
        # A failure appears in Slack itself.
        where = self._pressed(role, said)
        await self.slack.press(role.slack, where, said["action"], said.get("value"))
        return ""

    async def submit(self, role: Role, view: str, values: Json) -> None:
        await self.slack.submit(role.slack, self._view(role, view), values)

    async def close(self, role: Role, view: str) -> None:
        await self.slack.close(role.slack, self._view(role, view))

    async def click(self, role: Role, action: str) -> None:
        found = [one for one in self.slack.inbox(role.slack) if action in one.actions][-1]
        await self.slack.press(role.slack, found, action)

    def offered(self, role: Role, action: str) -> bool:
        return any(action in one.actions for one in self.slack.inbox(role.slack))

    def heard(self, role: Role) -> int:
        return sum(one.user == self.slack.bot.id for one in self.slack.inbox(role.slack))

    def chat(self, role: Role, text: str, under: str = "") -> str:
        return self.slack.post(DESIGN, role.slack, text, thread_ts=under).ts

    def wire(self) -> Iterator[Line]:
        for one in self.slack.deliveries:
            yield Line(one.at, self.name, "in", one.kind, one.error, one.status, one.seconds)
        for call in self.slack.calls:
            yield Line(call.at, self.name, "out", call.method, call.error, call.status, call.seconds)

    def plan_faults(self, *, duplicate: bool, limit: bool) -> None:
        self.slack.faults.clear()
        if duplicate:
            self.slack.faults.duplicate("interactive", times=None)
        if limit:
            self.slack.faults.rate_limit("chat.postMessage", retry_after=2)

    def faults(self) -> set[str]:
        names = {"duplicated": "duplicate", "rate_limited": "limit"}
        return {names[strike.how] for strike in self.slack.faults.planned if strike.how in names}

    async def disconnect(self) -> None:
        self.slack.drop_sockets()

    @property
    def connected(self) -> bool:
        return self.slack.connections > 0

    @property
    def violations(self) -> list[str]:
        return [f"Slack, {one.method}: {one.what}" for one in self.slack.violations]

    def _pressed(self, role: Role, said: Json) -> Message | View:
        if said.get("view"):
            return self._view(role, said["view"])
        for message in self.slack.seen_by(role.slack, said["channel"]):
            if message.ts == said["ts"]:
                return message
        raise LookupError("this message is gone")

    def _view(self, role: Role, id_: str) -> View:
        home = self.slack.homes.get(role.slack)
        for view in [*self.slack.modals.get(role.slack, []), *([home] if home else [])]:
            if view.id == id_:
                return view
        raise LookupError("this view is gone")


class DingTalkScreen:
    name = "dingtalk"

    def __init__(self, ding: DingTalk) -> None:
        self.ding = ding

    def shown(self, role: Role) -> Json:
        shown = self.ding.snapshot(role.id)
        return {name: shown[name] for name in ("viewer", "robot", "people", "groups", "messages", "cards")}

    async def say(self, role: Role, text: str, place: str = "", thread: str = "") -> None:
        await self.ding.type(role.id, text.strip(), group=place)

    async def press(self, role: Role, said: Json) -> str:
        card = self.ding.cards[said["card"]]
        if role.id not in card.places:
            raise LookupError("this card stands elsewhere")
        ack = await self.ding.press(role.id, card, said["action"], {"value": said.get("value") or ""})
        return ack.error

    async def click(self, role: Role, action: str) -> None:
        found = [one for one in self._cards(role) if action in one.values()][-1]
        card = self.ding.cards[found["track"]]
        await self.ding.press(role.id, card, action)

    def offered(self, role: Role, action: str) -> bool:
        return any(action in one.values() for one in self._cards(role))

    def _cards(self, role: Role) -> list[dict[str, str]]:
        found = [one.card for one in self.ding.heard(role.id) if one.card]
        return [self.ding.cards[track].seen_by(role.id) | {"track": track} for track in found]

    def heard(self, role: Role) -> int:
        return len(self.ding.heard(role.id))

    def chat(self, role: Role, text: str, under: str = "") -> str:
        return self.ding.post(organisation.Message(self.ding.number("msg"), GROUP, role.id, "text", text)).id

    def wire(self) -> Iterator[Line]:
        for push in self.ding.pushes.values():
            yield from self._brought(push)
        for call in self.ding.calls:
            yield Line(call.at, self.name, "out", _short(call.path), call.code, call.status, call.seconds)

    def _brought(self, push: Push) -> Iterator[Line]:
        """One line for each delivery of a push, without pings."""
        if push.kind == "SYSTEM":
            return
        for number in range(len(push.sockets)):
            code = push.acks[number][1].get("code") if number < len(push.acks) else None
            error = str(code) if code not in (None, 200) else ""
            yield Line(push.born / 1000, self.name, "in", f"stream {push.label}", error, code, push.seconds)

    def plan_faults(self, *, duplicate: bool, limit: bool) -> None:
        self.ding.faults.clear()
        if duplicate:
            self.ding.faults.repeat("card", copies=2, times=None)
        if limit:
            self.ding.faults.throttle("/robot/")
            self.ding.faults.throttle("createAndDeliver")

    def faults(self) -> set[str]:
        names = {"repeated": "duplicate", "throttled": "limit"}
        return {names[strike.how] for strike in self.ding.faults.planned if strike.how in names}

    async def disconnect(self) -> None:
        await self.ding.drop_sockets()

    @property
    def connected(self) -> bool:
        return self.ding.connections > 0

    @property
    def violations(self) -> list[str]:
        return [f"DingTalk: {one}" for one in self.ding.violations]


def _short(path: str) -> str:
    """The recognizable end of a path: `batchSend`, but `user/get` and `card/instances`."""
    *_, parent, name = path.split("/")
    return f"{parent}/{name}" if name in ("get", "list", "listsub", "instances") else name
