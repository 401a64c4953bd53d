"""A stand-in DingTalk organisation on loopback, for the playground and the end-to-end tests.

The unmodified SDK works against it, and so do our `Stream` and `DingTalkApi`. People are driven from Python:

    async with DingTalk(people=[alice, bob]) as ding:
        stream = Stream(ding.client_id, ding.client_secret, http, ding.url, on_message=…, on_card=…)
        ...
        await ding.say("alice", "余额")
        ack = await ding.press("bob", ding.card_of("bob"), "request.approve", {"value": "R-42"})

What a person does returns an `Ack`: what the app answered, how fast, and what went wrong. Its answers are written from
DingTalk's documents; none was recorded from a live organisation.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from sandbox.dingtalk import approvals, cards, payloads
from sandbox.dingtalk.api import Api, Plan
from sandbox.dingtalk.faults import Faults
from sandbox.dingtalk.objects import Ack, Approval, Card, Department, Group, Json, Message, Person
from sandbox.dingtalk.state import State
from sandbox.dingtalk.stream import CARDS, MESSAGES, Push, StreamServer, Timing
from sandbox.loopback import LoopbackServer

__all__ = [
    "Ack",
    "Approval",
    "Card",
    "Department",
    "DingTalk",
    "Group",
    "Message",
    "Person",
    "Plan",
    "Timing",
]


class DingTalk(State, LoopbackServer):
    """One organisation with one internal app. Several may run at once."""

    def __init__(
        self,
        *,
        people: Iterable[Person],
        departments: Iterable[Department] = (),
        groups: Iterable[Group] = (),
        client_id: str = "dingstandin",
        client_secret: str = "stand-in-secret",  # noqa: S107  (opens nothing but this object)
        corp_id: str = "dingcorpstandin",
        robot_name: str = "quotabot",
        plan: Plan | None = None,
        timing: Timing = Timing(),  # noqa: B008  (frozen)
        clock: Callable[[], float] = time.time,
        port: int = 0,
    ) -> None:
        LoopbackServer.__init__(self, port)
        State.__init__(
            self,
            people=people,
            departments=departments,
            groups=groups,
            robot_code=client_id,
            corp_id=corp_id,
            clock=clock,
        )
        self.client_id, self.client_secret, self.robot_name = client_id, client_secret, robot_name
        self.plan = plan or Plan()
        # The planned faults.
        self.faults = Faults(lambda: self.tell("faults", {}))
        self._api = Api(self, self.faults, self.plan, (client_id, client_secret))
        self._stream = StreamServer(self, self.faults, timing, (client_id, client_secret))
        self._pushing: set[asyncio.Task[Ack]] = set()

    # ---- the server ----------------------------------------------------------------------------------

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1.0/gateway/connections/open", self._stream.open),
            web.get("/connect", self._stream.connect),
            web.route("*", "/{path:.*}", self._api.call),
        ]

    async def release(self) -> None:
        self.faults.clear()
        for pushing in self._pushing:
            pushing.cancel()
        await self._stream.close()

    async def stop(self) -> None:
        await super().stop()
        self.feed.close()

    @property
    def url(self) -> str:
        """Value of DINGTALK_API_URL and DINGTALK_OAPI_URL."""
        return self.address

    @property
    def connections(self) -> int:
        return len(self._stream.sockets)

    @property
    def opens(self) -> list[float]:
        return self._stream.opens

    @property
    def timing(self) -> Timing:
        return self._stream.timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        self._stream.timing = timing

    @property
    def pushes(self) -> dict[str, Push]:
        return self._stream.pushes

    @property
    def scopes(self) -> set[str]:
        return self._api.scopes

    def expire_tokens(self) -> None:
        self._api.expire_tokens()

    # ---- what people do ------------------------------------------------------------------------------

    async def say(self, user: str, text: str, *, group: str = "", at: Iterable[str] = ()) -> Ack:
        """Write to the bot, or mention it in a group (other group messages do not reach the app). `at`: user ids.

        As in DingTalk, mentioned names are not in the text, and the text is missing while the month's calls
        are used up.
        """
        self.post(Message(self.number("msg"), group or user, user, "text", text, at=tuple(at)))
        return await self._hear(user, text, group, at)

    async def type(self, user: str, text: str, *, group: str = "") -> Ack:
        """Write as people type: in a group `@name` is a mention, and only messages that mention the bot reach it."""
        found = self._names.split(text) if group else [text]
        named, words = [one.lower() for one in found[1::2]], "".join(found[::2])
        at = tuple(self._known[one] for one in dict.fromkeys(named) if one in self._known)
        self.post(Message(self.number("msg"), group or user, user, "text", text, at=at))
        if group and self.robot_name.lower() not in named:
            return Ack(None)
        return await self._hear(user, words, group, at)

    async def reply(self, user: str, said: Message, text: str, *, group: str = "", words: bool = True) -> Ack:
        """Quote a message and write below it. `words`: whether the client sends what the message said."""
        self.post(Message(self.number("msg"), group or user, user, "text", text))
        names, quote = payloads.quoting(self, said, words)
        heard = payloads.heard(self, self.url, user, group, ()) | names
        return await self._stream.push(
            "CALLBACK", MESSAGES, heard | {"msgtype": "text", "text": {"content": text} | quote}
        )

    async def _hear(self, user: str, text: str, group: str, at: Iterable[str]) -> Ack:
        content = {"errCode": 20001, "errMsg": "本月API调用量已用完"} if self.plan.spent else {}
        words = {} if content else {"msgtype": "text", "text": {"content": f" {text}" if group else text}}
        return await self._stream.push(
            "CALLBACK", MESSAGES, payloads.heard(self, self.url, user, group, at) | words | content
        )

    async def send(
        self, user: str, kind: str, content: Json, *, group: str = "", at: Iterable[str] = ()
    ) -> Ack:
        """Send a picture, a file, speech (`audio` with `recognition`) or richText."""
        self.post(Message(self.number("msg"), group or user, user, kind, "", content=content))
        heard = payloads.heard(self, self.url, user, group, at) | {"msgtype": kind, "content": content}
        return await self._stream.push("CALLBACK", MESSAGES, heard)

    async def press(self, user: str, card: Card | str, action: str, params: Json | None = None) -> Ack:
        """Click a button; `params` forges its values. The clicker need not be able to see the card.

        An answer within two seconds is shown; `ack.data` is that answer. `no_callback`: the card was made
        without `callbackType`, so the app never gets the click.
        """
        card = self.cards[card] if isinstance(card, str) else card
        if card.callback_type != "STREAM":
            return Ack(None, error="no_callback")
        clicked = cards.clicked(self, card, user, action, params or {})
        ack = await self._stream.push("CALLBACK", CARDS, clicked)
        response = ack.data.get("response")
        if ack.ok:
            cards.settle(self, card, user, response)
        return replace(ack, data=response if isinstance(response, dict) else {})

    async def leave(self, user: str) -> Ack:
        """A person leaves the organisation (`user_leave_org`)."""
        del self.people[user]
        for group in self.groups.values():
            group.members = [member for member in group.members if member != user]
        return await self.event("user_leave_org", {"userId": [user]})

    async def modify(self, user: str, **facts: Any) -> Ack:
        """A person is renamed, moved, given another manager … (`user_modify_org`)."""
        before = self.person(user)
        self.people[user] = after = replace(before, **facts)
        diff = {
            "prev": payloads.changed_person(before),
            "curr": payloads.changed_person(after),
            "userid": user,
        }
        return await self.event("user_modify_org", {"userId": [user], "diffInfo": [diff]})

    async def join(self, person: Person) -> Ack:
        """A new person joins (`user_add_org`)."""
        self.people[person.id] = person
        return await self.event("user_add_org", {"userId": [person.id]})

    async def agree(self, user: str, approval: str, remark: str = "") -> Ack:
        """同意 in DingTalk's own approval."""
        return await self._decide(user, approval, "agree", remark)

    async def refuse(self, user: str, approval: str, remark: str = "") -> Ack:
        """拒绝 in DingTalk's own approval."""
        return await self._decide(user, approval, "refuse", remark)

    async def _decide(self, user: str, approval: str, word: str, remark: str) -> Ack:
        one = self.approvals[approval]
        approvals.decide(self, one, user, word, remark)
        task = {"processInstanceId": one.id, "processCode": one.form, "type": "finish", "result": word}
        await self.event(approvals.TASK, task | {"staffId": user, "remark": remark})
        return await self.event(approvals.EVENT, approvals.news(one, "finish"))

    async def revoke(self, user: str, approval: str) -> Ack:
        """撤销, by the originator or an administrator."""
        one = self.approvals[approval]
        approvals.revoke(self, one, user)
        return await self.event(approvals.EVENT, approvals.news(one, "terminate"))

    def announce(self, kind: str, data: Json) -> None:
        pushing = asyncio.get_running_loop().create_task(self.event(kind, data))
        self._pushing.add(pushing)
        pushing.add_done_callback(self._pushing.discard)

    async def event(self, kind: str, data: Json) -> Ack:
        now = int(self.clock() * 1000)
        headers = {
            "eventType": kind,
            "eventId": self.number("event"),
            "eventCorpId": self.corp_id,
            "eventBornTime": str(now),
            "eventUnifiedAppId": "stand-in",
        }
        return await self._stream.push("EVENT", "*", {"timeStamp": str(now)} | data, headers)

    # ---- what the gateway does -----------------------------------------------------------------------

    async def push(self, kind: str, topic: str, data: Json) -> Ack:
        return await self._stream.push(kind, topic, data)

    async def redeliver(self) -> list[Ack]:
        """Repeat every push without a good acknowledgement, under its own id. Answers to clicks are shown."""
        owed = [push for push in self.pushes.values() if push.kind != "SYSTEM" and not push.settled]
        acks = [await self._stream.send(push) for push in owed]
        for push, ack in zip(owed, acks, strict=True):
            if push.topic == CARDS and ack.ok:
                card = self.cards[push.data["outTrackId"]]
                cards.settle(self, card, push.data["userId"], ack.data.get("response"))
        return acks

    async def send_raw(self, text: str) -> None:
        await self._stream.raw(text)

    async def ping(self) -> list[Push]:
        """SYSTEM pings, one a socket; their `acks` fill when the app answers."""
        return [await self._stream.ping(socket) for socket in list(self._stream.sockets.values())]

    async def disconnect(self, reason: str = "connection is expired") -> None:
        # DingTalk does this every few hours.
        await self._stream.disconnect(reason)

    async def close_sockets(self, code: int = 1000) -> None:
        await self._stream.end(code)

    async def drop_sockets(self) -> None:
        """Reset every socket without a close frame (the app sees 1006)."""
        await self._stream.end(None)

    def mute(self) -> None:
        """The sockets stay open and pong, but get nothing any more."""
        self._stream.mute()

    # ---- for the page --------------------------------------------------------------------------------

    def snapshot(self, viewer: str) -> Json:
        """Everything that one person sees now, ready for JSON; `feed.read()` continues from here."""
        return {
            "corp": self.corp_id,
            "robot": self.robot_name,
            "viewer": viewer,
            "people": [one.as_row() for one in self.people.values() if not one.corp_id],
            "groups": [asdict(one) for one in self.groups.values() if viewer in one.members],
            "messages": [message.as_json() for message in self.seen_by(viewer)],
            "cards": {
                one.card: self.cards[one.card].as_json(viewer) for one in self.seen_by(viewer) if one.card
            },
            "plan": asdict(self.plan),
            "violations": list(self.violations),
            "faults": [fault.as_json() for fault in self.faults.planned],
            "frozen": sorted(self.faults.frozen),
            "connections": self.connections,
        }

    # ---- inside --------------------------------------------------------------------------------------

    @property
    def _known(self) -> dict[str, str]:
        return {one.name.lower(): one.id for one in self.people.values()}

    @property
    def _names(self) -> re.Pattern[str]:
        # Longer names first, so that "Bob Li" is not read as "Bob".
        known = sorted([self.robot_name, *self._known], key=len, reverse=True)
        return re.compile(rf"(?i)(?<![A-Za-z0-9._])@({'|'.join(map(re.escape, known))})(?![A-Za-z0-9_])")
