"""Slack as a `Messenger`: Bolt speaks the protocol, and Web API calls share one session.

Slack gets its acknowledgement after the commit: Bolt runs with `process_before_response`, and every
listener (`listeners.py`) awaits the dispatcher first. Contracts: docs.slack.dev (Socket Mode, rate limits).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import structlog
from aiohttp.web import RouteDef
from slack_sdk.web.async_client import AsyncWebClient

from bot.dispatch import Dispatcher
from bot.messengers.port import MessengerError, Undeliverable
from bot.messengers.slack.api import SlackApi
from bot.messengers.slack.bolt import open_bolt
from bot.messengers.slack.connection import Socket
from bot.messengers.slack.directory import Directory
from bot.messengers.slack.endpoint import Endpoint
from bot.messengers.slack.listeners import Listeners
from bot.messengers.slack.render import home, render
from bot.messengers.slack.settings import SlackSettings
from handlers.words import texts
from models.messages.message import Message
from models.people.profile import Profile

log = structlog.get_logger()

# Seconds between pings; a dead socket is noticed about this late.
PING = 5.0
# Seconds for requests in flight to be acknowledged when we stop.
FINISH = 5.0

T = TypeVar("T")
Said = dict[str, Any]


class Slack:
    name = "slack"

    def __init__(self, settings: SlackSettings, dispatcher: Dispatcher, http: aiohttp.ClientSession) -> None:
        assert settings.slack_bot_token is not None
        self.settings, self.dispatcher, self.http = settings, dispatcher, http
        token = settings.slack_bot_token.get_secret_value()
        self.api = SlackApi(token, settings.slack_api_url, http)
        self.directory = Directory(self.api)
        secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
        self.app = open_bolt(settings, http, lambda: (self.directory.bot_id, self.directory.ours.team_id))
        self._endpoint = Endpoint(self.app, secret) if secret else None
        self._socket: Socket | None = None
        self._listening = False
        Listeners(self.app, settings.slack_command, dispatcher, self.api, self.directory).register()

    # Talk: the port

    async def run(self) -> None:
        # Socket Mode needs an app-level token; without one Slack calls `/slack/events`.
        await self.directory.learn_ours()
        try:
            if self.settings.slack_app_token is not None:
                await self._listen()
            else:
                self._listening = True
                await asyncio.Event().wait()
        finally:
            self._listening = False
            if self._socket is not None:
                await self._socket.finished(FINISH)
                await self._socket.close_async()  # type: ignore[no-untyped-call]

    async def _listen(self) -> None:
        assert self.settings.slack_app_token is not None
        # A client of its own: the token is the app-level one, and SLACK_API_URL holds here, too.
        web = AsyncWebClient(base_url=self.settings.slack_api_url, session=self.http, timeout=10)
        token = self.settings.slack_app_token.get_secret_value()
        self._socket = Socket(self.app, token, web_client=web, ping_interval=PING)
        await self._socket.connect_async()  # type: ignore[no-untyped-call]
        self._listening = True
        log.info("slack is connected")
        await asyncio.Event().wait()

    def ready(self) -> bool:
        if self._socket is None:
            return self._listening
        client = self._socket.client
        session = client.current_session
        return self._listening and session is not None and not session.closed

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        channel, thread = await self.api.place(address)
        # chat.postMessage has no idempotency key: look for our metadata before posting again.
        if unsure and (landed := await self.api.find(channel, thread, key)) is not None:
            return landed
        metadata = {"event_type": "quotabot", "event_payload": {"key": key}}

        async def post(said: Said) -> Any:
            more = {"metadata": metadata, "unfurl_links": False}
            return await self.api.call("chat.postMessage", channel=channel, thread_ts=thread, **said, **more)

        posted = await _shown(message, post)
        return f"{posted.get('channel', channel)}:{posted.get('ts', '')}"

    async def replace(self, address: str, ref: str, message: Message) -> None:
        channel, _, ts = ref.partition(":")
        try:
            await _shown(message, lambda said: self.api.call("chat.update", channel=channel, ts=ts, **said))
        except Undeliverable as gone:
            # Somebody deleted the message: nothing is left to update.
            log.info("a copy is gone", ref=ref, reason=str(gone))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        if by["way"] == "private":
            await self._answer_in_private(by, message)
        else:
            await _shown(message, lambda said: self._answer(by, said))

    async def _answer_in_private(self, by: dict[str, Any], message: Message) -> None:
        # Outsiders read this channel: the answer goes to the asker's direct chat, and the channel gets a
        # pointer. An outsider has no direct chat with us and gets an ephemeral message.
        aside = by | {"way": "ephemeral"}
        try:
            await _shown(message, lambda said: self._answer(by | {"way": "dm"}, said))
        except Undeliverable as no:
            log.info("an answer has no chat to go to", reason=str(no))
            await _shown(message, lambda said: self._answer(aside, said))
            return
        try:
            pointer = Message(text=texts.PUBLIC_ASK_PRIVATELY(message.locale), locale=message.locale)
            await _shown(pointer, lambda said: self._answer(aside, said))
        except (MessengerError, Undeliverable) as error:
            log.info("a channel was not pointed to the chat", reason=str(error))

    async def _answer(self, by: dict[str, Any], said: Said) -> Any:
        if by["way"] == "url":
            more = {"response_type": "ephemeral", "replace_original": bool(by.get("replace"))}
            return await self.api.respond(by["url"], said | more)
        thread = by.get("thread")
        if by["way"] == "ephemeral":
            to = {"channel": by["channel"], "user": by["user"], "thread_ts": thread}
            return await self.api.call("chat.postEphemeral", **to, **said)
        if by["way"] == "message":
            return await self.api.call("chat.postMessage", channel=by["channel"], thread_ts=thread, **said)
        channel, _ = await self.api.place(f"slack:{by['user']}")
        return await self.api.call("chat.postMessage", channel=channel, **said)

    async def home(self, address: str, message: Message) -> None:
        await self.api.call("views.publish", user_id=address.split(":", 1)[1], view=home(message))

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return await self.directory.profile(address, urgent=urgent)

    def routes(self) -> list[RouteDef]:
        return [self._endpoint.route()] if self._endpoint is not None else []

    async def people(self) -> list[tuple[str, Profile]]:
        return await self.directory.people()


async def _shown(message: Message, say: Callable[[Said], Awaitable[T]]) -> T:
    # Workspaces without the data visualization block answer `invalid_blocks`; they get bars out of
    # characters.
    text, blocks = render(message, charts=True)
    try:
        return await say({"text": text, "blocks": blocks})
    except Undeliverable as no:
        if message.chart is None or "invalid_blocks" not in str(no):
            raise
    text, blocks = render(message)
    return await say({"text": text, "blocks": blocks})
