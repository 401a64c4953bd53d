"""The state of a stand-in workspace: people, channels, messages, views, and the log of calls and deliveries."""

from __future__ import annotations

import copy
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sandbox.feed import ObservedState
from sandbox.slack.forms import input_values
from sandbox.slack.objects import (
    Call,
    Channel,
    Delivery,
    Json,
    Message,
    Notice,
    Person,
    SlackError,
    View,
    Violation,
)

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60
RESPONSE_URL_USES = 5
LOGGED = 2_000


@dataclass
class ResponseUrl:
    """A response_url; `message` is the clicked message, None for a command."""

    user: str
    channel: str
    born: float
    message: Message | None = None
    uses: int = 0


@dataclass
class Trigger:
    """A trigger_id, good for one modal within three seconds."""

    user: str
    born: float
    used: bool = False
    view: View | None = None


class State(ObservedState):
    """Everything in one workspace. Every change goes to the feed."""

    def __init__(
        self,
        *,
        people: Iterable[Person],
        channels: Iterable[Channel],
        bot: Person,
        team_id: str,
        team_domain: str,
        app_id: str,
        bot_id: str,
        enterprise_id: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.bot, self.team_id, self.team_domain, self.app_id, self.bot_id = (
            bot,
            team_id,
            team_domain,
            app_id,
            bot_id,
        )
        self.clock, self.enterprise_id = clock, enterprise_id
        self.people: dict[str, Person] = {one.id: one for one in map(self.placed, (*people, bot))}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in copy.deepcopy(list(channels))}
        self.messages: list[Message] = []
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.notices: deque[Notice] = deque(maxlen=LOGGED)
        self.violations: deque[Violation] = deque(maxlen=LOGGED)
        self.calls: deque[Call] = deque(maxlen=LOGGED)
        self.deliveries: deque[Delivery] = deque(maxlen=LOGGED)
        self.response_urls: dict[str, ResponseUrl] = {}
        self.echo: Callable[[Json], None] = lambda event: None
        self._places: dict[tuple[str, str], Message] = {}
        self._triggers: dict[str, Trigger] = {}
        self._last_ts = 0

    def placed(self, person: Person) -> Person:
        # People of this very workspace belong to its enterprise, if it has one.
        ours = not person.team_id or person.team_id == self.team_id
        return replace(person, enterprise_id=self.enterprise_id) if ours and self.enterprise_id else person

    # ---- reading ------------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def channel(self, channel: str) -> Channel:
        """The channel with this id or #name; a person's id means the direct messages with them."""
        if channel in self.people and channel != self.bot.id:
            return self.dm(channel)
        named = {f"#{one.name}": one for one in self.channels.values() if one.name}
        found = self.channels.get(channel) or named.get(channel if channel.startswith("#") else f"#{channel}")
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def dm(self, user: str) -> Channel:
        self.person(user)
        channel = f"D{user[1:]}"
        return self.channels.setdefault(channel, Channel(channel, members=[user, self.bot.id], user=user))

    def message(self, channel: str, ts: str) -> Message:
        # Ephemeral messages cannot be found again.
        message = self._places.get((channel, ts))
        if message is None or message.deleted or message.ephemeral_for:
            raise SlackError("message_not_found")
        return message

    def original(self, message: Message) -> Message:
        return self._places.get((message.channel, message.ts), message)

    def seen_by(self, user: str, channel: str | None = None) -> list[Message]:
        """The messages that this person can read, oldest first; of one channel if given."""
        mine = {one.id for one in self.channels.values() if user in one.members}
        return [
            message
            for message in self.messages
            if not message.deleted
            and message.ephemeral_for in {"", user}
            and (message.channel in mine or message.ephemeral_for == user)
            and channel in {None, message.channel}
        ]

    def inbox(self, user: str) -> list[Message]:
        return self.seen_by(user, self.dm(user).id)

    def modal(self, user: str) -> View | None:
        """The top modal on this person's screen."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def wire(self, view: View) -> Json:
        return view.as_slack(self.team_id, self.app_id, self.bot_id)

    # ---- messages -----------------------------------------------------------------------------------

    def ts(self) -> str:
        """A message timestamp; strictly growing, even when the clock stands still."""
        self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def post(
        self,
        channel: str,
        user: str,
        text: str,
        blocks: list[Json] | None = None,
        *,
        thread_ts: str = "",
        metadata: Json | None = None,
        ephemeral_for: str = "",
    ) -> Message:
        """Post a message; blocks and elements without an id get one."""
        message = Message(channel, self.ts(), user, text, named(blocks or []), thread_ts=thread_ts)
        message.bot_id = self.bot_id if user == self.bot.id else ""
        message.metadata = metadata or {}
        message.ephemeral_for = ephemeral_for
        self.messages.append(message)
        self._places[channel, message.ts] = message
        self.show("message", message)
        return message

    def edit(
        self, message: Message, text: str, blocks: list[Json] | None, metadata: Json | None = None
    ) -> None:
        """Change a message in place; blocks and metadata that are not given stay."""
        message.text = text
        message.blocks = named(blocks) if blocks is not None else message.blocks
        message.metadata = message.metadata if metadata is None else metadata
        message.edited = self.ts()
        self.show("message_changed", message)

    def delete(self, message: Message) -> None:
        # Kept as `deleted`, so that tests can read it.
        message.deleted = True
        self.show("message_deleted", message)

    # ---- modals and Home ----------------------------------------------------------------------------

    def trigger(self, user: str, view: View | None = None) -> str:
        trigger_id = f"{len(self._triggers) + 1000}.{self._last_ts % 10**9}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, self.clock(), view=view)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger_id up, or raise the reason why it is invalid."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.clock() - trigger.born > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_view(self, user: str, given: Json, *, over: View | None = None) -> View:
        """A view as the app gave it, with Slack's ids; `over` is the view below it."""
        given = given | {"blocks": named(given["blocks"])}
        view = View(f"V{secrets.token_hex(5).upper()}", user, given, self.new_hash())
        view.root, view.previous = (over.root, over.id) if over else (view.id, "")
        view.values = input_values(view, {})
        return view

    def new_hash(self) -> str:
        # views.update and views.publish compare it; every version of a view has a new one.
        return f"{self.ts().partition('.')[0]}.{secrets.token_hex(4)}"

    def show_view(self, view: View) -> None:
        if view.type == "home":
            self.tell("home", {"user": view.user, "view": self.wire(view)})
        else:
            stack = [self.wire(each) | {"errors": each.errors} for each in self.modals.get(view.user, [])]
            self.tell("modals", {"user": view.user, "views": stack})

    # ---- telling ------------------------------------------------------------------------------------

    def show(self, kind: str, message: Message) -> None:
        self.tell(kind, self.pictured(message))

    def pictured(self, message: Message) -> Json:
        more = {
            "channel": message.channel,
            "ephemeral_for": message.ephemeral_for,
            "deleted": message.deleted,
        }
        return message.as_slack(self.team_id) | more

    def notice(self, user: str, channel: str, text: str) -> None:
        self.notices.append(Notice(user, channel, text))
        self.tell("notice", {"user": user, "channel": channel, "text": text})

    def violation(self, method: str, what: str) -> None:
        self.violations.append(Violation(method, what))
        self.tell("violation", {"method": method, "what": what})

    def log(self, call: Call) -> None:
        self.calls.append(call)
        self.tell("call", {"at": call.at, "method": call.method, "status": call.status, "error": call.error})

    def delivered(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        facts = {
            "kind": delivery.kind,
            "status": delivery.status,
            "error": delivery.error,
            "retry": delivery.retry,
        }
        self.tell("delivery", facts | {"seconds": delivery.seconds})

    def change_person(self, user: str, **facts: object) -> Person:
        self.people[user] = replace(self.person(user), **facts)  # type: ignore[arg-type]
        self.tell("person", self.people[user].as_slack(self.team_id))
        return self.people[user]

    def summary(self) -> str:
        last = [f"{one.user}@{one.channel}: {one.shown[:120]!r}" for one in self.messages[-3:]]
        calls = [f"{call.method} {call.error or call.status}" for call in list(self.calls)[-5:]]
        notices = [notice.text for notice in list(self.notices)[-3:]]
        return f"messages: {last}; calls: {calls}; notices: {notices}"


def named(blocks: list[Json]) -> list[Json]:
    # Slack fills in every missing block_id and action_id.
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        if block.get("type") in {"actions", "section", "input", "context_actions"}:
            for element in (block.get("accessory"), block.get("element"), *(block.get("elements") or [])):
                if isinstance(element, dict) and element.get("type") != "image":
                    element.setdefault("action_id", secrets.token_urlsafe(4))
    return blocks
