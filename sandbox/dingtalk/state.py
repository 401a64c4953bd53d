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
    """A sessionWebhook: the place of its answers, and its end."""

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
        # Limits and rules that the app broke.
        self.violations: deque[str] = deque(maxlen=LOGGED)
        # People whom a batchSend leaves out inside its 200: `flowControlled`, `filtered` or `invalid`.
        self.unreachable: dict[str, str] = {}
        self.robot_code, self.corp_id, self.clock = robot_code, corp_id, clock
        self._numbers = itertools.count(1)

    # ---- reading -------------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        return self.people[user]

    def colleague(self, user: str) -> Person:
        """A person of our own organisation, or the refusal 60121."""
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
        return [message for message in self.messages if message.place == place and not message.author]

    def seen_by(self, user: str) -> list[Message]:
        places = {user} | {group.id for group in self.groups.values() if user in group.members}
        return [message for message in self.messages if message.place in places]

    def card_of(self, user: str) -> Card:
        for message in reversed(self.messages):
            if message.place == user and message.card:
                return self.cards[message.card]
        raise KeyError(f"no card for {user}")

    # ---- changing ------------------------------------------------------------------------------------

    def number(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):06d}"

    def post(self, message: Message) -> Message:
        message = replace(message, said_at=self.clock())
        self.messages.append(message)
        self.tell("message", message.as_json())
        return message

    def open_session(self, place: str) -> tuple[str, Session]:
        token, session = self.number("session"), Session(place, self.clock() + SESSION_SECONDS)
        self.sessions[token] = session
        return token, session

    def expire_sessions(self) -> None:
        self.sessions = {token: replace(session, until=0.0) for token, session in self.sessions.items()}

    def show(self, card: Card) -> None:
        self.tell("card", card.as_json(card.places[0] if card.places else ""))

    def record(self, call: Call) -> None:
        self.calls.append(call)
        self.tell("call", {"path": call.path, "status": call.status, "code": call.code})

    def violation(self, what: str) -> None:
        """Note a rule that the app broke: DingTalk would refuse, or people would notice."""
        self.violations.append(what)
        self.tell("violation", {"what": what})

    def announce(self, kind: str, data: Json) -> None: ...

    def summary(self) -> str:
        last = [f"{one.author or 'bot'}@{one.place}: {one.text[:120]!r}" for one in self.messages[-3:]]
        calls = [f"{call.path} {call.code or call.status}" for call in list(self.calls)[-5:]]
        return f"messages: {last}; calls: {calls}; violations: {list(self.violations)[-3:]}"
