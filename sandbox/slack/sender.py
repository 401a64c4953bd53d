"""Deliver commands, interactions and events to the app."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from sandbox.slack import faults
from sandbox.slack.faults import Faults
from sandbox.slack.http_mode import HttpMode
from sandbox.slack.installation import Installation
from sandbox.slack.objects import Delivery, Json
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import State
from sandbox.slack.transport import EVENT, TIMED_OUT, Ack, Attempt, Timing


class Sender:
    """Delivers to the app over sockets or HTTP, with the planned faults, and repeats unacknowledged events."""

    def __init__(
        self, state: State, sockets: SocketMode, requests: HttpMode, timing: Timing, installed: Installation
    ) -> None:
        self._state, self._sockets, self._requests, self._timing = state, sockets, requests, timing
        self._installed = installed
        self.faults = Faults(lambda: state.tell("faults", self._planned()))
        self._tasks: set[asyncio.Task[Any]] = set()

    async def deliver(self, kind: str, payload: Json) -> Ack:
        """Deliver once and return the acknowledgement. An unacknowledged event is sent again in the background."""
        if kind == EVENT and not self._installed.hears(payload.get("event", {})):
            return Ack(None, error="not_subscribed")
        attempt = Attempt(kind, payload)
        ack = await self._attempt(attempt)
        if kind == EVENT and not ack.ok and not ack.no_retry:
            self.later(self._again(attempt, ack))
        return ack

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sockets.close()
        await self._requests.close()

    async def _again(self, attempt: Attempt, ack: Ack) -> None:
        for number, delay in enumerate(self._timing.event_retries, 1):
            await asyncio.sleep(delay)
            ack = await self._attempt(replace(attempt, retry=number, reason=ack.reason))
            if ack.ok or ack.no_retry:
                return

    async def _attempt(self, attempt: Attempt) -> Ack:
        happening = self.faults.for_delivery(attempt.kind)
        if faults.DELAYED in happening:
            await asyncio.sleep(happening[faults.DELAYED].seconds)
        copies = 2 if faults.DUPLICATED in happening else 1
        ack, *_ = await asyncio.gather(*(self._carry(attempt) for _ in range(copies)))
        if faults.ACK_LOST in happening:
            ack = Ack(None, seconds=ack.seconds, error=TIMED_OUT, reason="http_timeout")
        return ack

    async def _carry(self, attempt: Attempt) -> Ack:
        at = self._state.clock()
        ack = await (self._requests if self._requests.url else self._sockets).carry(attempt)
        facts = (attempt.kind, attempt.payload, ack.status, ack.error, ack.seconds, attempt.retry)
        self._state.delivered(Delivery(at, *facts))
        return ack

    def _planned(self) -> Json:
        return {"planned": [fault.as_json() for fault in self.faults.planned]}
