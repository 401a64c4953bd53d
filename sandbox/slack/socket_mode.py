"""Socket Mode: envelopes over web sockets, each acknowledged within three seconds.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid

import aiohttp
from aiohttp import web

from sandbox.slack.installation import Installation
from sandbox.slack.objects import Json
from sandbox.slack.state import State
from sandbox.slack.transport import EVENT, FAILED, TIMED_OUT, Ack, Attempt, Timing

MOST_SOCKETS = 10
PING_SECONDS = 30.0


class SocketMode:
    """Socket Mode: up to ten connections; each envelope goes to one of them, its acknowledgement may use any."""

    def __init__(self, state: State, timing: Timing, installed: Installation) -> None:
        self._state, self._timing, self._installed = state, timing, installed
        self._open: list[web.WebSocketResponse] = []
        self._retiring: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = itertools.count()

    @property
    def connections(self) -> int:
        return len(self._open)

    def ticket(self) -> str:
        """The ticket of apps.connections.open: good for one connection."""
        ticket = str(uuid.uuid4())
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPNotFound
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, timeout=0.2)
        await socket.prepare(request)
        if self._installed.socket is False:
            await socket.send_json({"type": "disconnect", "reason": "link_disabled"})
            await socket.close()
            return socket
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

    async def carry(self, attempt: Attempt) -> Ack:
        if not self._open:
            return Ack(None, error=FAILED, reason="connection_failed")
        socket = self._open[next(self._turn) % len(self._open)]
        envelope = _envelope(attempt)
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
        # Acknowledgements still count on the old connection.
        going, self._open = self._open, []
        self._retiring += going
        self._state.tell("connections", {"count": 0})
        for socket in going:
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "stand-in"}}
            )

    def drop(self) -> None:
        for socket in (*self._open, *self._retiring):
            if socket in self._transports:
                self._transports[socket].abort()

    async def close(self) -> None:
        await asyncio.gather(*(socket.close() for socket in (*self._open, *self._retiring)))

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        self._state.tell("connections", {"count": self.connections})
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            self._transports.pop(socket, None)
            for sockets in (self._open, self._retiring):
                if socket in sockets:
                    sockets.remove(socket)
            self._state.tell("connections", {"count": self.connections})

    def _hear(self, text: str) -> None:
        try:
            said: Json = json.loads(text)
            answer = self._waiting.get(said["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self._state.violation("socket", f"not an acknowledgement: {text[:200]}")
            return
        if answer is None or answer.done():
            self._state.violation(
                "socket", "acknowledged an envelope that nobody waits for (too late, or twice)"
            )
        else:
            answer.set_result(said.get("payload") or {})

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.connections + 1,
            "connection_info": {"app_id": self._state.app_id},
            "debug_info": {"host": "stand-in", "build_number": 0, "approximate_connection_time": 3600},
        }


def _envelope(attempt: Attempt) -> Json:
    envelope: Json = {
        "type": attempt.kind,
        "envelope_id": str(uuid.uuid4()),
        "payload": attempt.payload,
        "accepts_response_payload": attempt.kind != EVENT,
    }
    if attempt.kind == EVENT:
        envelope |= {"retry_attempt": attempt.retry, "retry_reason": attempt.reason}
    return envelope
