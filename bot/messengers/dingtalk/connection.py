"""DingTalk's Stream connection, kept open by our own supervisor.

The SDK (`dingtalk_stream`) reads frames and shapes acknowledgements. Its connection loop is replaced: it
blocks the event loop while it opens, swallows cancellation, reopens without a pause after close code 1000,
lets one bad frame end the connection, writes the ticket to the log and acknowledges on whatever socket is
newest.
The socket is aiohttp's, not `websockets`': one ClientSession then decides proxies, certificates and name
resolution for the open call and the socket alike. Its heartbeat counts every byte as life and drops a peer
that does not pong; its `close` waits for `ws_close` seconds at most. The time limit of `receive` restarts
with every pong, so the watchdog has its own clock. aiohttp tells close code 1006 from 1000 only sometimes,
so every ending gets the same pause.
Protocol: https://open-dingtalk.github.io/developerpedia/docs/learn/stream/protocol
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
)
from dingtalk_stream import AckMessage, EventMessage, SystemMessage
from dingtalk_stream.version import VERSION_STRING
from yarl import URL

from bot.messengers.dingtalk.frame import UNREADABLE, BadFrame, Frame, ack, ack_data

log = logging.getLogger(__name__)

MESSAGES = "/v1.0/im/bot/messages/get"
CARDS = "/v1.0/card/instances/callback"
OPEN = "/v1.0/gateway/connections/open"

_PING, _DISCONNECT = "ping", "disconnect"


Handler = Callable[[Frame], Awaitable[dict[str, Any] | None]]


class State(StrEnum):
    """State of the supervisor. `refused`: DingTalk rejected the credentials; the next attempts are far apart."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds, and counts.

    `healthy`: a connection that lasted this long ends a row of failures. `idle`: silence after which we
    reconnect (DingTalk pings every 20-30 s).
    """

    opening: float = 10
    idle: float = 90
    heartbeat: float = 10
    handlers: int = 100
    sending: float = 5
    drain: float = 4
    closing: float = 1
    healthy: float = 10
    shortest: float = 0.5
    longest: float = 60


class Stream:
    """At most one connection to DingTalk, kept until `stop()`.

    A handler gets a Frame and returns the data of its acknowledgement: `{"response": {...}}` for a card,
    `{"status": "LATER", "message": ...}` for an event that should come again, None otherwise. Frames may
    come twice and in any order; the dispatcher tells them apart.
    """

    def __init__(
        self,
        client_id: str,
        secret: str,
        http: ClientSession,
        api_url: str = "https://api.dingtalk.com",
        *,
        on_message: Handler | None = None,
        on_card: Handler | None = None,
        on_event: Handler | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = State.IDLE
        # Attempts to connect since the start.
        self.opens = 0
        # Reason of the last disconnection; empty while connected.
        self.failure = ""
        self._client_id, self._secret, self._http = client_id, secret, http
        self._api_url = api_url.rstrip("/")
        self._callbacks = {topic: h for topic, h in ((MESSAGES, on_message), (CARDS, on_card)) if h}
        self._on_event = on_event
        self._limits = limits or Limits()
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._failures = 0
        self._last_frame = 0.0
        self._free = asyncio.Semaphore(self._limits.handlers)
        self._working: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        return self.state is State.CONNECTED

    @property
    def last_frame_age(self) -> float | None:
        """Seconds since the last frame (or the start of the connection); None while disconnected."""
        return self._clock() - self._last_frame if self.connected else None

    @property
    def handling(self) -> int:
        return len(self._working)

    async def run(self) -> None:
        """Stay connected until `stop()` or cancellation; handlers at work get `drain` seconds to finish."""
        if self._keeper is not None:
            raise RuntimeError(
                "a Stream runs once: a second connection would take half of the first one's frames"
            )
        self._keeper = asyncio.create_task(self._keep_connected())
        if self._stopping:
            self._keeper.cancel()
        try:
            await self._keeper
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # Cancelled from outside: pass it on. After `stop()`, `run` returns normally.
            if task and task.cancelling():
                raise
        finally:
            self.state = State.STOPPED
            await self._abandon()

    def stop(self) -> None:
        """End `run`: read no more frames, finish or cancel the handlers at work."""
        self._stopping = True
        if self._keeper:
            self._keeper.cancel()

    async def _keep_connected(self) -> None:
        while True:
            self.opens += 1
            self.state = State.CONNECTING
            socket = await self._connect()
            if socket:
                await self._serve(socket)
            pause = self._pause()
            level = logging.ERROR if self.state is State.REFUSED else logging.WARNING
            log.log(level, "dingtalk: %s; next attempt in %.1f s", self.failure, pause)
            await self._sleep(pause)

    async def _connect(self) -> ClientWebSocketResponse | None:
        """A socket, or None with the reason in `failure`."""
        try:
            async with asyncio.timeout(self._limits.opening):
                endpoint = await self._open()
                return await self._http.ws_connect(
                    endpoint,
                    heartbeat=self._limits.heartbeat,
                    timeout=ClientWSTimeout(ws_close=self._limits.closing),
                )
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            # The error is named by its type: its text can hold the ticket.
            self._fail(f"no connection to DingTalk ({type(error).__name__} {getattr(error, 'status', '')})")
        except _Refused as refused:
            self._fail(f"DingTalk refuses our client id and secret ({refused})", State.REFUSED)
        return None

    async def _open(self) -> URL:
        """The address of a new connection with its ticket: valid for 90 s and one use. Must not be logged."""
        topics = [{"type": "CALLBACK", "topic": topic} for topic in self._callbacks]
        if self._on_event:
            topics.append({"type": "EVENT", "topic": "*"})
        async with self._http.post(
            self._api_url + OPEN,
            json={
                "clientId": self._client_id,
                "clientSecret": self._secret,
                "subscriptions": topics,
                "ua": f"dingtalk-sdk-python/v{VERSION_STRING}-quotabot",
            },
            # Without Accept the answer may be XML.
            headers={"Accept": "application/json"},
            timeout=ClientTimeout(total=self._limits.opening),
            allow_redirects=False,
        ) as answer:
            if answer.status in {401, 403}:
                raise _Refused(answer.status)
            answer.raise_for_status()
            return self._endpoint(await answer.text())

    def _endpoint(self, text: str) -> URL:
        try:
            given = json.loads(text)
            endpoint = URL(str(given["endpoint"])).update_query(ticket=str(given["ticket"]))
        except UNREADABLE as error:
            raise ValueError("no endpoint in the answer") from error
        if self._api_url.startswith("https:") and endpoint.scheme != "wss":
            raise ValueError("an endpoint without TLS")
        # aiohttp looks proxies up by scheme: with https, HTTPS_PROXY applies to the socket, too.
        return endpoint.with_scheme({"wss": "https", "ws": "http"}.get(endpoint.scheme, endpoint.scheme))

    async def _serve(self, socket: ClientWebSocketResponse) -> None:
        began = self._last_frame = self._clock()
        self.state, self.failure = State.CONNECTED, ""
        log.info("dingtalk: connected")
        try:
            why = await self._read(socket)
            if self._clock() - began >= self._limits.healthy:
                self._failures = 0  # healthy: this end starts a new row of failures
            self._fail(why)
        finally:
            if not socket.closed:
                await self._drain()
            await self._close(socket)

    async def _read(self, socket: ClientWebSocketResponse) -> str:
        """Hand on frames until the connection ends; return the reason."""
        while True:
            try:
                async with asyncio.timeout(self._limits.idle):
                    message = await socket.receive()
            except TimeoutError:
                return f"no frame for {self._limits.idle:.0f} s"
            self._last_frame = self._clock()
            if message.type is WSMsgType.TEXT:
                if await self._take(socket, message.data):
                    return "DingTalk asked us to reconnect"
            elif message.type is WSMsgType.BINARY:
                log.warning("dingtalk: a binary frame of %d bytes passed over", len(message.data))
            else:
                return f"connection closed ({socket.close_code})"

    async def _take(self, socket: ClientWebSocketResponse, text: str) -> bool:
        """Handle one frame. True: DingTalk is about to close the connection."""
        try:
            frame = Frame.read(text)
        except BadFrame as bad:
            log.warning("dingtalk: a frame of %d characters passed over (%s)", len(text), bad)
            if bad.message_id:
                await self._send(
                    socket, ack(bad.message_id, AckMessage.STATUS_BAD_REQUEST, {"response": None})
                )
            return False
        if frame.kind == SystemMessage.TYPE:
            if frame.topic == _PING:
                await self._send(socket, ack(frame.message_id, AckMessage.STATUS_OK, frame.data))
            return frame.topic == _DISCONNECT
        handler = self._on_event if frame.kind == EventMessage.TYPE else self._callbacks.get(frame.topic)
        if handler is None:
            log.warning("dingtalk: nobody handles %s %s", frame.kind, frame.topic)
            await self._send(
                socket, ack(frame.message_id, AckMessage.STATUS_NOT_IMPLEMENT, {"response": None})
            )
            return False
        # At the limit no further frame is read: TCP slows DingTalk down.
        await self._free.acquire()
        task = asyncio.create_task(self._handle(socket, frame, handler))
        self._working.add(task)
        task.add_done_callback(self._finished)
        return False

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._free.release()

    async def _handle(self, socket: ClientWebSocketResponse, frame: Frame, handler: Handler) -> None:
        # The acknowledgement belongs to the socket of its frame: another connection does not know the id.
        try:
            answer = await handler(frame)
            text = ack(frame.message_id, AckMessage.STATUS_OK, ack_data(frame, answer))
        except Exception:
            log.exception("dingtalk: %s %s failed", frame.topic or frame.event_type, frame.message_id)
            text = ack(
                frame.message_id, AckMessage.STATUS_SYSTEM_EXCEPTION, ack_data(frame, None, failed=True)
            )
        await self._send(socket, text)

    async def _send(self, socket: ClientWebSocketResponse, text: str) -> None:
        try:
            async with asyncio.timeout(self._limits.sending):
                await socket.send_str(text)
        except (ClientError, OSError, TimeoutError) as error:
            log.info("dingtalk: an acknowledgement was not delivered (%s)", type(error).__name__)

    async def _drain(self) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=self._limits.drain)

    async def _close(self, socket: ClientWebSocketResponse) -> None:
        try:
            # aiohttp's own limit does not cover a peer that has stopped reading.
            async with asyncio.timeout(2 * self._limits.closing):
                await socket.close()
        except TimeoutError:
            log.info("dingtalk: the old connection did not close in time")

    async def _abandon(self) -> None:
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    def _fail(self, failure: str, state: State = State.WAITING) -> None:
        self.failure, self.state = failure, state
        # Refused credentials get the longest pause at once; 10 doublings exceed it and cannot overflow.
        self._failures = 10 if state is State.REFUSED else min(self._failures + 1, 10)

    def _pause(self) -> float:
        """Seconds before the next attempt: 0 at first, then doubling with jitter, at least a second from the third on."""
        if self._failures <= 1:
            return 0.0
        ceiling = min(self._limits.longest, self._limits.shortest * (1 << self._failures))
        return ceiling * (1 + self._chance()) / 2


class _Refused(Exception):  # noqa: N818 - caught beside `ClientError`, never raised out of here
    ...
