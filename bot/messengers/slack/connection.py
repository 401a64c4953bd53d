"""Slack's Socket Mode, which can be left without losing what it took."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bot.messengers.slack.api import bounded, until_answered

log = structlog.get_logger()

# Seconds between two tries while the app's Socket Mode is switched off.
SWITCHED_OFF = 30.0


class Socket(AsyncSocketModeHandler):
    """Bolt's handler with `finished`, because the SDK closes in the middle of an acknowledgement.

    A refused token and a Socket Mode that is off are named; the SDK repeats both without saying what to mend.
    """

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._switched_off = False
        self.client.issue_new_wss_url = self._address  # type: ignore[method-assign]
        self.client.on_message_listeners.append(self._heard)
        self._taken = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, client: Any, req: Any) -> None:
        self._taken += 1
        self._idle.clear()
        try:
            await super().handle(client, req)
        except ConnectionError:
            log.info(
                "slack closed the connection before the answer, and sends again", envelope=req.envelope_id
            )
        finally:
            self._taken -= 1
            if not self._taken:
                self._idle.set()

    async def _address(self) -> str:
        if self._switched_off:
            await asyncio.sleep(SWITCHED_OFF)

        async def call() -> Any:
            web, token = self.client.web_client, self.client.app_token
            return await bounded(partial(web.apps_connections_open, app_token=token))

        opened = await until_answered(call, "slack socket does not open", "SLACK_APP_TOKEN")
        return str(opened["url"])

    async def _heard(self, message: aiohttp.WSMessage) -> None:
        # https://docs.slack.dev/apis/events-api/using-socket-mode: the reason of a disconnect
        said = str(message.data)
        if '"link_disabled"' in said:
            if not self._switched_off:
                log.error(
                    "Socket Mode is off for this Slack app",
                    mend="api.slack.com/apps → Socket Mode → enable it",
                )
            self._switched_off = True
        elif '"envelope_id"' in said:
            self._switched_off = False

    async def finished(self, within: float) -> None:
        """Return when every envelope is acknowledged, or after `within` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within)
