"""Slack's commands, presses, forms and events become requests.

Each listener awaits the dispatcher before it acknowledges. Contracts: docs.slack.dev (Events API,
interactivity).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.middleware.async_middleware import AsyncMiddleware

from bot.answers import Outcome
from bot.dispatch import Dispatcher
from bot.messengers.port import MessengerError, Request, Undeliverable
from bot.messengers.slack.api import SlackApi
from bot.messengers.slack.directory import Directory
from bot.messengers.slack.read import command_of, hash_of, is_ephemeral, is_for_us, metadata_of, quoted_by
from bot.messengers.slack.render import answers, ephemeral, modal, plain, render
from bot.messengers.slack.workspace import outsiders_may_read
from handlers.command import Command
from handlers.routes import BUTTONS, CONFIRM, FORMS
from handlers.words import texts
from models.messages.message import Form, Message
from models.refusal import OnlyColleagues, UnreadableMessage

log = structlog.get_logger()

# Seconds for a chart; after that the acknowledgement carries the answer without one.
CHART_WITHIN = 1.0
# Presses whose answer replaces the pressed message.
REPLACING = (*CONFIRM, "history.open")
_SILENCE = Message(text="")


@dataclass(frozen=True)
class Listener:
    """An event that Slack sends us, and its scopes. The manifest is made from these rows."""

    event: str
    scopes: tuple[str, ...]


LISTENERS = (
    Listener("app_mention", ("app_mentions:read",)),
    Listener("message.im", ("im:history", "im:read", "im:write")),
    Listener("app_home_opened", ()),
)
SCOPES = (
    "channels:read",
    "chat:write",
    "commands",
    "groups:read",
    "users:read",
    "users:read.email",
    "users.profile:read",
)


class OnlyOurApp(AsyncMiddleware):
    """Acknowledges a genuine envelope that is addressed to another app, and changes nothing."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse:
        if self.directory.ours.is_app(req.body):
            return await next()
        log.warning("an envelope of another app is dropped", app=str(req.body.get("api_app_id")))
        return BoltResponse(status=200, body="")


class Commands(AsyncMiddleware):
    """Answers slash commands: as a listener, Bolt collects thirty arguments for the match and again for the call."""

    def __init__(self, command: str, answer: Callable[[dict[str, Any]], Awaitable[BoltResponse]]) -> None:
        self.command, self.answer = command, answer

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse:
        return await (self.answer(req.body) if req.body.get("command") == self.command else next())


class Listeners:
    def __init__(
        self, app: AsyncApp, command: str, dispatcher: Dispatcher, api: SlackApi, directory: Directory
    ) -> None:
        self.app, self.command, self.dispatcher, self.api, self.directory = (
            app,
            command,
            dispatcher,
            api,
            directory,
        )

    def register(self) -> None:
        self.app.middleware(OnlyOurApp(self.directory))
        self.app.middleware(Commands(self.command, self._on_command))
        self.app.action(re.compile("|".join(re.escape(one) for one in (*BUTTONS, *CONFIRM))))(self._on_press)
        self.app.action(re.compile(".*"))(self._on_other)
        self.app.view(re.compile("|".join(re.escape(one) for one in FORMS)))(self._on_submit)
        self.app.view(re.compile(".*"))(self._on_other)
        self.app.event("app_mention")(self._on_mention)
        self.app.event("message")(self._on_message)
        self.app.event("app_home_opened")(self._on_home)

    async def _on_command(self, body: dict[str, Any]) -> BoltResponse:
        request = Request(
            key=f"slack:{body['trigger_id']}",
            sender=f"slack:{body['user_id']}",
            command=command_of(str(body.get("text", "")), self._today),
            can_open=True,
        )
        outcome = await self._dispatch(request, body)
        nothing = BoltResponse(status=200)
        if isinstance(outcome.message, Form):
            if await self._open(body["trigger_id"], outcome.message, {}):
                return nothing
            message = self._instead(request, outcome.message)
        else:
            message = outcome.message
        if message == _SILENCE:
            return nothing  # a redelivered envelope: its form is open already
        if message.chart is not None and await self._charted(str(body.get("response_url") or ""), message):
            return nothing
        return BoltResponse(status=200, body=ephemeral(message))

    async def _charted(self, url: str, message: Message) -> bool:
        # An acknowledgement with blocks that this Slack does not know is lost without an error;
        # response_url reports it.
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
        user, trigger = str(body["user"]["id"]), str(body["trigger_id"])
        url = self.api.trusted(str(body.get("response_url") or ""))
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
        if not is_for_us(event):
            return
        thread, outsiders = event.get("thread_ts"), await self._outsiders_read(body, event)
        by = {
            "way": "private" if outsiders else "ephemeral",
            "channel": event["channel"],
            "user": event["user"],
            "thread": thread,
            "lane": event["user"],
        }
        place = f"slack:{event['channel']}/{thread}" if thread and outsiders is False else None
        await self._on_sentence(body, event, by, place)

    async def _outsiders_read(self, body: dict[str, Any], event: dict[str, Any]) -> bool | None:
        # A card in a thread is the only public answer, so channels are looked up only for threads.
        if outsiders_may_read(body):
            return True
        if not event.get("thread_ts"):
            return False
        return await self.directory.outsiders_read(
            str(event["channel"]), within=self.dispatcher.patience.read
        )

    async def _on_message(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        # In channels the bot hears mentions only (`app_mention`).
        if event.get("channel_type") != "im" or not is_for_us(event):
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
        command = command_of(str(event.get("text", "")), self._today, self.directory.bot_id)
        request = Request(
            key=f"slack:{body['event_id']}", sender=f"slack:{event['user']}", command=command, thread=thread,
            quoted=quoted_by(event),
            place="" if event.get("channel_type") == "im" else str(event.get("channel", "")),
            answer_by=by,
        )  # fmt: skip
        if not await self._is_from_us(body, str(event["user"])):
            log.warning("an event of another workspace is dropped", key=request.key)
        elif event.get("files") and not str(event.get("text") or "").strip():
            await self.dispatcher.refuse(request, UnreadableMessage())
        else:
            await self.dispatcher.handle(request)

    @property
    def _today(self) -> date:
        return self.dispatcher.clock().date()

    async def _on_home(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        if event.get("tab") == "home" and await self._is_from_us(body, str(event["user"])):
            await self.dispatcher.opened_home(f"slack:{event['user']}", f"slack:{body['event_id']}")

    async def _on_other(self, ack: AsyncAck) -> None:
        await ack()

    async def _dispatch(self, request: Request, body: dict[str, Any]) -> Outcome:
        """Dispatch envelopes of our workspace or enterprise; tell other senders that the bot is for colleagues."""
        if await self._is_from_us(body, request.sender.split(":", 1)[1]):
            return await self.dispatcher.handle(request)
        return await self.dispatcher.refuse(request, OnlyColleagues())

    async def _is_from_us(self, body: dict[str, Any], user: str) -> bool:
        return await self.directory.is_from_us(body, user, within=self.dispatcher.patience.read)

    def _instead(self, request: Request, form: Form) -> Message:
        say = self.dispatcher.locale(request)
        return Message(text=texts.FORM_STUCK(say, usage=FORMS[form.callback].usage(say)))

    async def _open(self, trigger: str, form: Form, metadata: dict[str, Any]) -> bool:
        # A trigger_id lives three seconds, so the form opens before the acknowledgement; no transaction is
        # open here.
        try:
            await asyncio.wait_for(
                self.api.call("views.open", trigger_id=trigger, view=modal(form, metadata)), 1.5
            )
        except (MessengerError, Undeliverable, TimeoutError) as error:
            log.warning("a form did not open", reason=str(error))
            return False
        return True
