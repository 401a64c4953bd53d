"""The Stream side of the stand-in DingTalk: tickets, sockets, pushes and their acknowledgements.

https://open-dingtalk.github.io/developerpedia/docs/learn/stream/protocol
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from sandbox.dingtalk.faults import LOST, REPEATED, Faults
from sandbox.dingtalk.objects import Ack, Json, Refusal
from sandbox.dingtalk.state import State

MESSAGES = "/v1.0/im/bot/messages/get"
CARDS = "/v1.0/card/instances/callback"
KINDS = {MESSAGES: "message", CARDS: "card"}


@dataclass(frozen=True)
class Timing:
    """In seconds: life of a ticket, pause between pings, patience for an acknowledgement."""

    ticket: float = 90
    ping: float = 25
    patience: float = 2


@dataclass
class Socket:
    """One connection of the app. `silent`: it was told to reconnect and gets nothing any more."""

    id: str
    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    topics: set[str]
    silent: bool = False

    @property
    def alive(self) -> bool:
        gone = self.ws.closed or self.transport is None or self.transport.is_closing()
        return not (self.silent or gone)


@dataclass
class Push:
    """A push: its frame, its sockets, its acknowledgements with their sockets, and the seconds until the first."""

    id: str
    kind: str
    topic: str
    data: Json
    headers: Json
    born: int
    seconds: float = 0.0
    sockets: list[str] = field(default_factory=list)
    acks: list[tuple[str, Json]] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def label(self) -> str:
        """`message`, `card` or `event`, as in the plan of faults."""
        return "event" if self.kind == "EVENT" else KINDS.get(self.topic, "other")

    @property
    def settled(self) -> bool:
        return any(ack.get("code") == 200 and payload(ack).get("status") != "LATER" for _, ack in self.acks)

    def frame(self, connection: str) -> str:
        headers = {
            "appId": "stand-in",
            "connectionId": connection,
            "contentType": "application/json",
            "messageId": self.id,
            "time": str(self.born),
            "topic": self.topic,
        }
        data = json.dumps(self.data, ensure_ascii=False)
        return json.dumps(
            {"specVersion": "1.0", "type": self.kind, "headers": headers | self.headers, "data": data},
            ensure_ascii=False,
        )


def payload(ack: Json) -> Json:
    """The data of an acknowledgement; empty if its form is undocumented."""
    try:
        data = json.loads(ack.get("data") or "{}")
    except (TypeError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


class StreamServer:
    """The gateway: one app may hold several sockets; each push goes to a random one."""

    def __init__(self, state: State, faults: Faults, timing: Timing, credentials: tuple[str, str]) -> None:
        # Times at which a connection was asked for.
        self.opens: list[float] = []
        self.pushes: dict[str, Push] = {}
        self.sockets: dict[str, Socket] = {}
        self._state, self._faults, self.timing = state, faults, timing
        self._credentials = credentials
        self._tickets: dict[str, tuple[float, set[str]]] = {}

    async def open(self, request: web.Request) -> web.Response:
        # POST /v1.0/gateway/connections/open: credentials for an address and a ticket.
        self.opens.append(self._state.clock())
        self._state.tell("open", {"opens": len(self.opens)})
        await self._faults.pass_by("open")
        if fault := self._faults.first(request.path, "refused"):
            refusal = fault.refusal or Refusal("ServiceUnavailable", status=503)
            return web.json_response(refusal.modern(), status=refusal.status)
        if "application/json" not in request.headers.get("Accept", ""):
            return web.Response(text="<result/>", content_type="application/xml")
        asked = await request.json()
        if (asked.get("clientId"), asked.get("clientSecret")) != self._credentials:
            refusal = Refusal("InvalidAuthentication", "不合法的 clientId 或 clientSecret", status=401)
            return web.json_response(refusal.modern(), status=401)
        ticket = secrets.token_urlsafe(16)
        topics = {f"{one['type']} {one['topic']}" for one in asked.get("subscriptions") or ()}
        self._tickets[ticket] = (self._state.clock() + self.timing.ticket, topics)
        address = urlsplit(str(request.url)).netloc
        return web.json_response({"endpoint": f"ws://{address}/connect", "ticket": ticket})

    async def connect(self, request: web.Request) -> web.StreamResponse:
        # GET /connect?ticket=…: the socket, while it lasts.
        await self._faults.pass_by("connect")
        until, topics = self._tickets.pop(request.query.get("ticket", ""), (0.0, set()))
        if until < self._state.clock():
            return web.Response(status=401, text="ticket")
        ws = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.5)
        await ws.prepare(request)
        transport = request.transport
        socket = Socket(self._state.number("connection"), ws, transport, topics)
        if self._faults.closing:
            await self._close(socket, self._faults.closing.pop(0))
            return ws
        self.sockets[socket.id] = socket
        self._state.tell("connections", {"connections": len(self.sockets)})
        pinging = asyncio.create_task(self._keep_pinging(socket))
        try:
            await self._listen(socket)
        finally:
            pinging.cancel()
            self.sockets.pop(socket.id, None)
            self._state.tell("connections", {"connections": len(self.sockets)})
        return ws

    async def push(self, kind: str, topic: str, data: Json, headers: Json | None = None) -> Ack:
        push = self._new(kind, topic, data, headers)
        if self._faults.first(push.label, LOST):
            return Ack(None, error="lost", push=push.id)
        fault = self._faults.first(push.label, REPEATED)
        return await self.send(push, fault.copies if fault else 1)

    async def send(self, push: Push, copies: int = 1) -> Ack:
        """Send a push, perhaps again; the messageId stays the same."""
        began, known = self._state.clock(), len(push.acks)
        push.answered.clear()
        for _ in range(copies):
            if not await self._deliver(push):
                return Ack(None, error="offline", push=push.id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.timing.patience):
                while len(push.acks) == known:
                    await push.answered.wait()
        seconds = self._state.clock() - began
        if len(push.acks) == known:
            return Ack(None, seconds=seconds, error="timed_out", push=push.id)
        ack = push.acks[known][1]
        code = ack.get("code")
        return Ack(code, payload(ack), seconds, "" if code == 200 else str(code), push.id)

    async def raw(self, text: str) -> None:
        for socket in list(self.sockets.values()):
            await socket.ws.send_str(text)

    async def disconnect(self, reason: str) -> None:
        # After this, DingTalk pushes nothing to the old sockets and drops an app that stays.
        for socket in list(self.sockets.values()):
            socket.silent = True
            push = self._new("SYSTEM", "disconnect", {"reason": reason})
            await socket.ws.send_str(push.frame(socket.id))

    def mute(self) -> None:
        for socket in self.sockets.values():
            socket.silent = True

    async def end(self, code: int | None) -> None:
        for socket in list(self.sockets.values()):
            await self._close(socket, code)

    async def close(self) -> None:
        await self.end(None)

    async def _listen(self, socket: Socket) -> None:
        while True:
            message = await socket.ws.receive()
            await self._faults.pass_by("socket")
            if message.type is WSMsgType.PING:
                await socket.ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._acknowledged(socket, message.data)
            elif message.type is not WSMsgType.PONG:
                await socket.ws.close()
                return

    def _new(self, kind: str, topic: str, data: Json, headers: Json | None = None) -> Push:
        born = int(self._state.clock() * 1000)
        push = Push(self._state.number("push"), kind, topic, data, headers or {}, born)
        self.pushes[push.id] = push
        return push

    def _acknowledged(self, socket: Socket, text: str) -> None:
        try:
            ack = json.loads(text)
            push = self.pushes[ack["headers"]["messageId"]]
            json.loads(ack["data"])
        except (ValueError, TypeError, KeyError):
            self._state.violation(f"an acknowledgement that DingTalk cannot read: {text[:200]}")
            return
        if not push.acks:
            push.seconds = self._state.clock() - push.born / 1000
        push.acks.append((socket.id, ack))
        push.answered.set()
        if socket.id not in push.sockets:
            self._state.violation(f"{push.id} was acknowledged on a socket that never got it")
        if push.kind == "EVENT" and payload(ack).get("status") not in {"SUCCESS", "LATER"}:
            self._state.violation(f"event {push.id} was acknowledged without SUCCESS or LATER")
        self._state.tell("ack", {"push": push.id, "code": ack.get("code"), "data": payload(ack)})

    async def _deliver(self, push: Push) -> bool:
        wanted = f"{push.kind} {'*' if push.kind == 'EVENT' else push.topic}"
        # What is pushed on no known topic goes out all the same: tests push those.
        other = push.label == "other"
        able = [one for one in self.sockets.values() if one.alive and (other or wanted in one.topics)]
        if not able:
            return False
        socket = random.choice(able)  # noqa: S311 - that is how DingTalk balances
        push.sockets.append(socket.id)
        with contextlib.suppress(ConnectionError):
            await socket.ws.send_str(push.frame(socket.id))
            return True
        return False

    async def _keep_pinging(self, socket: Socket) -> None:
        while True:
            await asyncio.sleep(self.timing.ping)
            if "socket" not in self._faults.frozen and not socket.silent:
                await self.ping(socket)

    async def ping(self, socket: Socket) -> Push:
        push = self._new("SYSTEM", "ping", {"opaque": secrets.token_hex(4)})
        push.sockets.append(socket.id)
        await socket.ws.send_str(push.frame(socket.id))
        return push

    async def _close(self, socket: Socket, code: int | None) -> None:
        if code is None:
            if socket.transport:
                socket.transport.abort()
            return
        with contextlib.suppress(ConnectionError):
            await socket.ws.close(code=code)
