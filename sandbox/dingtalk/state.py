"""The state of a stand-in organisation: people, departments, groups, messages, cards, and the log of calls."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sandbox.dingtalk.objects import (
    Approval,
    Call,
    Card,
    Department,
    Form,
    Group,
    Json,
    Message,
    Person,
    Refusal,
)
from sandbox.feed import ObservedState

LOGGED = 2_000
SESSION_SECONDS = 90 * 60


@dataclass(frozen=True)
class Session:
    """A sessionWebhook: where its answers land, and until when."""

    place: str
    until: float


class State(ObservedState):
    """Everything in one organisation. Every change goes to the feed."""

    def __init__(
        self,
        *,
        people: Iterable[Person],
        departments: Iterable[Department],
        groups: Iterable[Group],
        robot_code: str,
        corp_id: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self.people = {person.id: person for person in people}
        self.departments = {one.id: one for one in (Department(1, "总部", None), *departments)}
        self.groups = {group.id: group for group in groups}
        self.messages: list[Message] = []
        self.cards: dict[str, Card] = {}
        self.templates: dict[str, Json] = {}
        self.forms: dict[str, Form] = {}
        self.approvals: dict[str, Approval] = {}
        self.sessions: dict[str, Session] = {}
        self.calls: deque[Call] = deque(maxlen=LOGGED)
        self.violations: deque[str] = deque(maxlen=LOGGED)
        """Limits and rules that the app broke."""
        self.unreachable: dict[str, str] = {}
        """People whom a batchSend passes over inside its 200: `flowControlled`, `filtered` or `invalid`."""
        self.robot_code, self.corp_id, self.clock = robot_code, corp_id, clock
        self._numbers = itertools.count(1)

    # ---- reading -------------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        """Somebody of the directory, an outsider too, or KeyError."""
        return self.people[user]

    def colleague(self, user: str) -> Person:
        """Somebody of our own organisation, or the refusal 60121."""
        person = self.people.get(user)
        if person is None or person.corp_id:
            raise Refusal("60121", f"找不到该用户 {user}")
        return person

    def department(self, number: object) -> Department:
        """A department, or the refusal 60003."""
        if not isinstance(number, int) or number not in self.departments:
            raise Refusal("60003", f"部门不存在 {number}")
        return self.departments[number]

    def heard(self, place: str) -> list[Message]:
        """The messages of the bot to this person, or in this group."""
        return [message for message in self.messages if message.place == place and not message.author]

    def seen_by(self, user: str) -> list[Message]:
        """Everything in this person's chat with the bot and in their groups."""
        places = {user} | {group.id for group in self.groups.values() if user in group.members}
        return [message for message in self.messages if message.place in places]

    def card_of(self, user: str) -> Card:
        """The newest card in this person's chat with the bot, or KeyError."""
        for message in reversed(self.messages):
            if message.place == user and message.card:
                return self.cards[message.card]
        raise KeyError(f"no card for {user}")

    # ---- changing ------------------------------------------------------------------------------------

    def number(self, prefix: str) -> str:
        """A fresh id."""
        return f"{prefix}{next(self._numbers):06d}"

    def post(self, message: Message) -> Message:
        """Something was said, just now."""
        message = replace(message, said_at=self.clock())
        self.messages.append(message)
        self.tell("message", message.as_json())
        return message

    def open_session(self, place: str) -> tuple[str, Session]:
        """A new sessionWebhook's token, and how long it lives."""
        token, session = self.number("session"), Session(place, self.clock() + SESSION_SECONDS)
        self.sessions[token] = session
        return token, session

    def expire_sessions(self) -> None:
        """Every sessionWebhook handed out so far has run out."""
        self.sessions = {token: replace(session, until=0.0) for token, session in self.sessions.items()}

    def show(self, card: Card) -> None:
        """A card came or changed."""
        self.tell("card", card.as_json(card.places[0] if card.places else ""))

    def record(self, call: Call) -> None:
        """The app called, and this is how it was answered."""
        self.calls.append(call)
        self.tell("call", {"path": call.path, "status": call.status, "code": call.code})

    def violation(self, what: str) -> None:
        """The app broke a rule that DingTalk would have refused, or that people would have seen."""
        self.violations.append(what)
        self.tell("violation", {"what": what})

    def announce(self, kind: str, data: Json) -> None:
        """Push an event to the app, as soon as one may; an organisation does."""

    def summary(self) -> str:
        last = [f"{one.author or 'bot'}@{one.place}: {one.text[:120]!r}" for one in self.messages[-3:]]
        calls = [f"{call.path} {call.code or call.status}" for call in list(self.calls)[-5:]]
        return f"messages: {last}; calls: {calls}; violations: {list(self.violations)[-3:]}"
