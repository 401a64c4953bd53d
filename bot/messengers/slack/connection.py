"""Slack's Socket Mode, which can be left without losing what it took."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler


class Socket(AsyncSocketModeHandler):
    """Bolt's handler with `finished`: the SDK closes in the middle of an acknowledgement."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._taken = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, client: Any, req: Any) -> None:
        self._taken += 1
        self._idle.clear()
        try:
            await super().handle(client, req)
        finally:
            self._taken -= 1
            if not self._taken:
                self._idle.set()

    async def finished(self, within: float) -> None:
        """Return when every envelope is acknowledged, or after `within` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within)
