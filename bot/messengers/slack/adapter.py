"""Slack: read what arrives, answer in time, say what was promised. Bolt speaks the protocol; Web API on one shared session.

Contracts: docs.slack.dev (Events API, interactivity, Socket Mode, rate limits). Acknowledged is committed: Bolt runs
with `process_before_response`, and every listener awaits the dispatcher before it acknowledges.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import aiohttp
import structlog
from aiohttp.web import RouteDef
from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.answers import Outcome
from bot.dispatch import Dispatcher
from bot.messengers.port import MessengerError, Request, Undeliverable
from bot.messengers.slack.api import SlackApi, until_answered
from bot.messengers.slack.bolt import open_bolt
from bot.messengers.slack.connection import Socket
from bot.messengers.slack.directory import Directory
from bot.messengers.slack.endpoint import Endpoint
from bot.messengers.slack.read import (
    command_of,
    foreign,
    hash_of,
    is_ephemeral,
    metadata_of,
)
from bot.messengers.slack.render import answers, home, modal, plain, render
from bot.messengers.slack.settings import SlackSettings
from handlers.command import Command
from handlers.routes import BUTTONS, CONFIRM, FORMS
from handlers.words import texts
from models.messages.message import Form, Message
from models.people.profile import Profile

log = structlog.get_logger()

PING = 5.0
"""Seconds between pings: a socket that died without a word is noticed about that late."""
FINISH = 5.0
"""Seconds that what came over the socket gets to be acknowledged when we stop."""
CHART_WITHIN = 1.0
"""Seconds that an answer with a chart may take before the acknowledgement carries it without."""
REPLACING = (*CONFIRM, "history.open")
"""Presses whose answer takes the place of what was pressed."""

T = TypeVar("T")
Said = dict[str, Any]


@dataclass(frozen=True)
class Listener:
    """What Slack is asked to send us, and which scopes that takes. The manifest is made from these rows."""

    event: str
    scopes: tuple[str, ...]


LISTENERS = (
    Listener("app_mention", ("app_mentions:read",)),
    Listener("message.im", ("im:history", "im:read", "im:write")),
    Listener("app_home_opened", ()),
)
SCOPES = ("chat:write", "commands", "users:read", "users:read.email", "users.profile:read")


class Slack:
    """The Slack workspace as a `Messenger`."""

    name = "slack"

    def __init__(self, settings: SlackSettings, dispatcher: Dispatcher, http: aiohttp.ClientSession) -> None:
        assert settings.slack_bot_token is not None
        self.settings, self.dispatcher, self.http = settings, dispatcher, http
        token = settings.slack_bot_token.get_secret_value()
        self.api = SlackApi(token, settings.slack_api_url, http)
        self.directory = Directory(self.api)
        secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
        self.app = open_bolt(settings, http, lambda: (self.bot_id, self.directory.team_id))
        self._endpoint = Endpoint(self.app, secret) if secret else None
        self.bot_id = ""
        self._socket: Socket | None = None
        self._listening = False
        self._register()

    # Talk: the port

    async def run(self) -> None:
        """Learn who we are, then listen: on a socket with an app token, else through `/slack/events`."""
        me = await until_answered(self.api.web.auth_test, "slack does not answer")
        self.directory.team_id, self.bot_id = str(me.get("team_id", "")), str(me["user_id"])
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
        # its own client: the app token differs, and the stand-in's address has to be honoured here, too
        web = AsyncWebClient(base_url=self.settings.slack_api_url, session=self.http, timeout=10)
        token = self.settings.slack_app_token.get_secret_value()
        self._socket = Socket(self.app, token, web_client=web, ping_interval=PING)
        await until_answered(self._socket.connect_async, "slack socket does not open")
        self._listening = True
        await asyncio.Event().wait()

    def ready(self) -> bool:
        if self._socket is None:
            return self._listening
        client = self._socket.client
        session = client.current_session
        return self._listening and session is not None and not session.closed

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        channel, thread = await self.api.place(address)
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
            log.info("a copy is gone", ref=ref, reason=str(gone))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        await _shown(message, lambda said: self._answer(by, said))

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
        """`/slack/events`, where there is a secret that calls are signed with."""
        return [self._endpoint.route()] if self._endpoint is not None else []

    async def people(self) -> list[tuple[str, Profile]]:
        return await self.directory.people()

    # Read: what arrives

    def _register(self) -> None:
        self.app.command(self.settings.slack_command)(self._on_command)
        self.app.action(re.compile("|".join(re.escape(one) for one in (*BUTTONS, *CONFIRM))))(self._on_press)
        self.app.action(re.compile(".*"))(self._on_other)
        self.app.view(re.compile("|".join(re.escape(one) for one in FORMS)))(self._on_submit)
        self.app.view(re.compile(".*"))(self._on_other)
        self.app.event("app_mention")(self._on_mention)
        self.app.event("message")(self._on_message)
        self.app.event("app_home_opened")(self._on_home)

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        request = Request(
            key=f"slack:{body['trigger_id']}",
            sender=f"slack:{body['user_id']}",
            command=command_of(str(body.get("text", "")), self._today),
            can_open=True,
        )
        outcome = await self._dispatch(request, body)
        if isinstance(outcome.message, Form):
            if await self._open(body["trigger_id"], outcome.message, {}):
                await ack()
                return
            message = self._instead(request, outcome.message)
        else:
            message = outcome.message
        if message == Message(text=""):
            await ack()  # the same envelope again: its form is open already
            return
        if message.chart is not None and await self._charted(str(body.get("response_url") or ""), message):
            await ack()
            return
        text, blocks = render(message)
        await ack(text=text, blocks=blocks, response_type="ephemeral")

    async def _charted(self, url: str, message: Message) -> bool:
        """Answer with Slack's own chart beside the acknowledgement, which could not say that this Slack takes none."""
        text, blocks = render(message, charts=True)
        said = {"text": text, "blocks": blocks, "response_type": "ephemeral"}
        try:
            await asyncio.wait_for(self.api.respond(url, said), CHART_WITHIN)
        except (MessengerError, Undeliverable, TimeoutError) as error:
            log.info("without Slack's own chart", reason=str(error))
            return False
        return True

    async def _on_press(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        name, value = str(action["action_id"]), str(action.get("value") or "")
        user, trigger, url = str(body["user"]["id"]), str(body["trigger_id"]), body.get("response_url")
        by: dict[str, Any] = {"way": "dm", "user": user, "lane": user}
        if url:
            by = {"way": "url", "url": url, "replace": name in REPLACING and is_ephemeral(body), "lane": user}
        opens = name in BUTTONS and BUTTONS[name].form is not None
        request = Request(
            key=f"slack:{trigger}",
            sender=f"slack:{user}",
            command=Command.pressed(name, value),
            can_open=opens,
            answer_by=by,
        )
        outcome = await self._dispatch(request, body)
        if isinstance(outcome.message, Form) and not await self._open(trigger, outcome.message, {}):
            self.dispatcher.say_directly(request, self._instead(request, outcome.message))
        await ack()

    async def _on_submit(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        user, filled = str(body["user"]["id"]), answers(view)
        form, value = str(view["callback_id"]), str(metadata_of(view).get("value", ""))
        request = Request(
            key=f"slack:{view['id']}:{hash_of(filled)}", sender=f"slack:{user}", command=Command.filled(form, value, filled),
            from_form=True, answer_by={"way": "dm", "user": user, "lane": user},
        )  # fmt: skip
        outcome = await self._dispatch(request, body)
        if outcome.refused and isinstance(outcome.message, Message):
            field = "amount" if "amount" in filled else next(iter(filled), "reason")
            await ack(response_action="errors", errors={field: plain(outcome.message.text)[:2000]})
        else:
            await ack()

    async def _on_mention(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        """What people say to us in a channel; other bots are not answered, lest two of them talk for ever."""
        if event.get("bot_id") or not event.get("user"):
            return
        thread = event.get("thread_ts")
        by = {
            "way": "ephemeral",
            "channel": event["channel"],
            "user": event["user"],
            "thread": thread,
            "lane": event["user"],
        }
        place = f"slack:{event['channel']}/{thread}" if thread else None
        await self._on_sentence(body, event, by, place)

    async def _on_message(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        """Only what people write to us directly: no channels, no edits, no bots."""
        if (
            event.get("channel_type") != "im"
            or event.get("subtype")
            or event.get("bot_id")
            or not event.get("user")
        ):
            return
        by = {
            "way": "message",
            "channel": event["channel"],
            "thread": event.get("thread_ts"),
            "lane": event["user"],
        }
        await self._on_sentence(body, event, by, None)

    async def _on_sentence(
        self, body: dict[str, Any], event: dict[str, Any], by: dict[str, Any], thread: str | None
    ) -> None:
        command = command_of(str(event.get("text", "")), self._today, self.bot_id)
        request = Request(
            key=f"slack:{body['event_id']}", sender=f"slack:{event['user']}", command=command, thread=thread,
            answer_by=by,
        )  # fmt: skip
        await self._dispatch(request, body)

    @property
    def _today(self) -> date:
        return self.dispatcher.clock().date()

    async def _on_home(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            await self.dispatcher.opened_home(f"slack:{event['user']}", f"slack:{body['event_id']}")

    async def _on_other(self, ack: AsyncAck) -> None:
        await ack()

    async def _dispatch(self, request: Request, body: dict[str, Any]) -> Outcome:
        """Hand it on; somebody of another workspace is known as an outsider before anything is looked up."""
        if foreign(body, self.directory.team_id):
            self.directory.remember_outsider(request.sender.split(":", 1)[1])
        return await self.dispatcher.handle(request)

    def _instead(self, request: Request, form: Form) -> Message:
        """What is said where the form did not open."""
        say = self.dispatcher.locale(request)
        return Message(text=texts.FORM_STUCK(say, usage=FORMS[form.callback].usage(say)))

    async def _open(self, trigger: str, form: Form, metadata: dict[str, Any]) -> bool:
        """The one direct call: before the acknowledgement, with no transaction open; a trigger lives three seconds."""
        try:
            await asyncio.wait_for(
                self.api.call("views.open", trigger_id=trigger, view=modal(form, metadata)), 1.5
            )
        except (MessengerError, Undeliverable, TimeoutError) as error:
            log.warning("a form did not open", reason=str(error))
            return False
        return True


async def _shown(message: Message, say: Callable[[Said], Awaitable[T]]) -> T:
    """Say it with Slack's own chart; where this Slack takes none, with bars out of signs."""
    text, blocks = render(message, charts=True)
    try:
        return await say({"text": text, "blocks": blocks})
    except Undeliverable as no:
        if message.chart is None or "invalid_blocks" not in str(no):
            raise
    text, blocks = render(message)
    return await say({"text": text, "blocks": blocks})
