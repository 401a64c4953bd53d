"""How the stand-in reaches the app: Socket Mode envelopes or signed HTTP requests, acknowledged within three seconds.

https://docs.slack.dev/apis/events-api/using-socket-mode and
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from sandbox.slack import faults
from sandbox.slack.board import Board
from sandbox.slack.objects import Delivery, Json, Message

COMMAND, INTERACTION, EVENT = "slash_commands", "interactive", "events_api"
TIMED_OUT, FAILED = "operation_timeout", "dispatch_failed"
MOST_SOCKETS = 10
PING_SECONDS = 30.0


@dataclass(frozen=True)
class Ack:
    """What came back for something delivered: `status` is None when nothing came, `seconds` is how long it took."""

    status: int | None
    payload: Json = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    reason: str = ""
    no_retry: bool = False
    message: Message | None = None

    @property
    def ok(self) -> bool:
        """Acknowledged in time."""
        return not self.error


@dataclass(frozen=True)
class Parcel:
    """One delivery, perhaps the `retry`-th repetition because of `reason`."""

    kind: str
    payload: Json
    retry: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Timing:
    """Slack's patience in seconds, and when it sends an unacknowledged event again."""

    patience: float = 3.0
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)


class Sockets:
    """Socket Mode: up to ten connections, each envelope to one of them, acknowledged over any."""

    def __init__(self, board: Board, timing: Timing) -> None:
        self._board, self._timing = board, timing
        self._open: list[web.WebSocketResponse] = []
        self._retiring: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = itertools.count()

    @property
    def connections(self) -> int:
        """How many sockets take envelopes now."""
        return len(self._open)

    def ticket(self) -> str:
        """What apps.connections.open hands out: good for one connection."""
        ticket = str(uuid.uuid4())
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection from hello to its end."""
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPNotFound
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, timeout=0.2)
        await socket.prepare(request)
        if self.connections >= MOST_SOCKETS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        if isinstance(request.transport, asyncio.Transport):
            self._transports[socket] = request.transport
        await socket.send_json(self._hello())
        self._open.append(socket)
        await self._listen(socket)
        return socket

    async def carry(self, parcel: Parcel) -> Ack:
        """Send one envelope and wait for its acknowledgement."""
        if not self._open:
            return Ack(None, error=FAILED, reason="connection_failed")
        socket = self._open[next(self._turn) % len(self._open)]
        envelope = _envelope(parcel)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = answer
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timing.patience):
                await socket.send_json(envelope)
                payload = await answer
        except (TimeoutError, ConnectionError):
            return Ack(None, seconds=time.monotonic() - started, error=TIMED_OUT, reason="timeout")
        finally:
            self._waiting.pop(envelope["envelope_id"])
        return Ack(200, payload, time.monotonic() - started)

    async def disconnect(self, reason: str) -> None:
        """Ask every connection to come back on a new one; acknowledgements are still heard on the old."""
        going, self._open = self._open, []
        self._retiring += going
        self._board.tell("connections", {"count": 0})
        for socket in going:
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "stand-in"}}
            )

    def drop(self) -> None:
        """Reset every connection without a close frame."""
        for socket in (*self._open, *self._retiring):
            if socket in self._transports:
                self._transports[socket].abort()

    async def close(self) -> None:
        """Say goodbye on every connection."""
        await asyncio.gather(*(socket.close() for socket in (*self._open, *self._retiring)))

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        self._board.tell("connections", {"count": self.connections})
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            self._transports.pop(socket, None)
            for sockets in (self._open, self._retiring):
                if socket in sockets:
                    sockets.remove(socket)
            self._board.tell("connections", {"count": self.connections})

    def _hear(self, text: str) -> None:
        try:
            said: Json = json.loads(text)
            answer = self._waiting.get(said["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self._board.violation("socket", f"not an acknowledgement: {text[:200]}")
            return
        if answer is None or answer.done():
            self._board.violation(
                "socket", "acknowledged an envelope that nobody waits for (too late, or twice)"
            )
        else:
            answer.set_result(said.get("payload") or {})

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.connections + 1,
            "connection_info": {"app_id": self._board.app_id},
            "debug_info": {"host": "stand-in", "build_number": 0, "approximate_connection_time": 3600},
        }


def _envelope(parcel: Parcel) -> Json:
    envelope: Json = {
        "type": parcel.kind,
        "envelope_id": str(uuid.uuid4()),
        "payload": parcel.payload,
        "accepts_response_payload": parcel.kind != EVENT,
    }
    if parcel.kind == EVENT:
        envelope |= {"retry_attempt": parcel.retry, "retry_reason": parcel.reason}
    return envelope


class Requests:
    """HTTP mode: signed POSTs to one request URL."""

    def __init__(self, signing_secret: str, timing: Timing) -> None:
        self.url = ""
        self._secret = signing_secret.encode()
        self._timing = timing
        self._session: aiohttp.ClientSession | None = None

    def headers(self, body: str, at: float | None = None) -> dict[str, str]:
        """The timestamp and v0 signature of a body, as of `at` (Unix seconds; now when absent)."""
        stamp = str(int(time.time() if at is None else at))
        digest = hmac.new(self._secret, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def carry(self, parcel: Parcel) -> Ack:
        """Post one request and read its acknowledgement."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timing.patience))
        kind, body = _body(parcel)
        headers = {"Content-Type": kind, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        if parcel.retry:
            headers |= {"X-Slack-Retry-Num": str(parcel.retry), "X-Slack-Retry-Reason": parcel.reason}
        started = time.monotonic()
        try:
            async with self._session.post(
                self.url, data=body, headers=headers | self.headers(body)
            ) as answer:
                text = await answer.text()
        except TimeoutError:
            return Ack(None, seconds=time.monotonic() - started, error=TIMED_OUT, reason="http_timeout")
        except aiohttp.ClientError:
            return Ack(None, seconds=time.monotonic() - started, error=FAILED, reason="connection_failed")
        return _read(answer, text, time.monotonic() - started)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _body(parcel: Parcel) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    if parcel.kind == COMMAND:
        return form, urlencode(parcel.payload)
    if parcel.kind == INTERACTION:
        return form, urlencode({"payload": json.dumps(parcel.payload)})
    return "application/json", json.dumps(parcel.payload)


def _read(answer: aiohttp.ClientResponse, text: str, seconds: float) -> Ack:
    ack = Ack(answer.status, seconds=seconds, no_retry=answer.headers.get("X-Slack-No-Retry") == "1")
    if not 200 <= answer.status < 300:
        return replace(ack, error=FAILED, reason="http_error")
    if text.startswith("{"):
        return replace(ack, payload=json.loads(text))
    return replace(ack, payload={"text": text} if text else {})


class Courier:
    """Brings parcels to the app, in whichever mode it is reached, with the trouble that is switched on."""

    def __init__(self, board: Board, sockets: Sockets, requests: Requests, timing: Timing) -> None:
        self._board, self._sockets, self._requests, self._timing = board, sockets, requests, timing
        self.faults = faults.Faults(lambda: board.tell("trouble", self._planned()))
        self._tasks: set[asyncio.Task[Any]] = set()

    async def deliver(self, kind: str, payload: Json) -> Ack:
        """Deliver once and answer what came back; an unacknowledged event is sent again in the background."""
        parcel = Parcel(kind, payload)
        ack = await self._attempt(parcel)
        if kind == EVENT and not ack.ok and not ack.no_retry:
            self.later(self._again(parcel, ack))
        return ack

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this beside everything else; it ends with the workspace."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is still under way, then both ways of delivery."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sockets.close()
        await self._requests.close()

    async def _again(self, parcel: Parcel, ack: Ack) -> None:
        for number, delay in enumerate(self._timing.event_retries, 1):
            await asyncio.sleep(delay)
            ack = await self._attempt(replace(parcel, retry=number, reason=ack.reason))
            if ack.ok or ack.no_retry:
                return

    async def _attempt(self, parcel: Parcel) -> Ack:
        struck = self.faults.for_delivery(parcel.kind)
        if faults.DELAYED in struck:
            await asyncio.sleep(struck[faults.DELAYED].seconds)
        copies = 2 if faults.DUPLICATED in struck else 1
        ack, *_ = await asyncio.gather(*(self._carry(parcel) for _ in range(copies)))
        if faults.ACK_LOST in struck:
            ack = Ack(None, seconds=ack.seconds, error=TIMED_OUT, reason="http_timeout")
        return ack

    async def _carry(self, parcel: Parcel) -> Ack:
        at = self._board.clock()
        ack = await (self._requests if self._requests.url else self._sockets).carry(parcel)
        facts = (parcel.kind, parcel.payload, ack.status, ack.error, ack.seconds, parcel.retry)
        self._board.delivered(Delivery(at, *facts))
        return ack

    def _planned(self) -> Json:
        return {"planned": [strike.as_json() for strike in self.faults.planned]}
