"""DingTalk as a `Messenger`, on our own Stream supervisor and API client.

A frame is acknowledged after the commit. A click is answered inside its acknowledgement; other copies, and
everything later, go by PUT and batchSend.
Calls are scarce (5,000 a month on the free plan), so an answer goes through the sessionWebhook of the
message that it answers.
https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import aiohttp
import structlog
from prometheus_client.registry import Collector

from bot.dispatch import Dispatcher
from bot.messengers.dingtalk import approvals
from bot.messengers.dingtalk.api import DingTalkApi, Values
from bot.messengers.dingtalk.approvals import Approvals
from bot.messengers.dingtalk.clicks import Clicks
from bot.messengers.dingtalk.connection import Stream
from bot.messengers.dingtalk.directory import Directory
from bot.messengers.dingtalk.errors import DingTalkError, OutcomeUnknown
from bot.messengers.dingtalk.frame import Frame
from bot.messengers.dingtalk.memory import remember
from bot.messengers.dingtalk.read import ChatMessage
from bot.messengers.dingtalk.render import (
    card,
    hint,
    markdown,
    preview,
    track_of,
)
from bot.messengers.dingtalk.settings import DingTalkSettings
from bot.messengers.dingtalk.tally import Tally
from bot.messengers.port import MessengerError, Request, Undeliverable
from handlers.admins import tell_admins
from handlers.routes import CONFIRM
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.messages.approval import Approval
from models.messages.message import Message
from models.people.profile import Profile
from models.refusal import CallsUsedUp

log = structlog.get_logger()

# A card of a balance costs one metered call. A free organisation has 5,000 a month, and decisions come first.
CALLS_FOR_CARDS = 2_500

T = TypeVar("T")
Json = dict[str, Any]

# A sessionWebhook is not used in the last seconds of its life: the call itself takes time.
MARGIN = timedelta(seconds=5)
# Seconds before the next try after the month's calls are used up.
USED_UP_AGAIN = 60 * 60.0
# Seconds before the next try after DingTalk's flood protection withheld a message from this person.
FLOW = 60.0
# Answers that a group may read: they hold nobody's figures.
PUBLIC = ("help", "lang", "none", "several")
_GONE_WEBHOOK = ("300001", "foreign webhook")


class DingTalk:
    name = "dingtalk"

    def __init__(
        self, settings: DingTalkSettings, dispatcher: Dispatcher, http: aiohttp.ClientSession
    ) -> None:
        assert settings.dingtalk_client_id
        assert settings.dingtalk_client_secret is not None
        self.dispatcher, self.database = dispatcher, dispatcher.database
        self.template = settings.dingtalk_card_template_id or ""
        client, secret = settings.dingtalk_client_id, settings.dingtalk_client_secret.get_secret_value()
        self.tally = Tally(self.database, dispatcher.clock)
        self.api = DingTalkApi(
            http, client, secret, settings.dingtalk_api_url, settings.dingtalk_oapi_url,
            robot_code=settings.dingtalk_robot_code or "", counted=self.tally.add,
        )  # fmt: skip
        self.directory = Directory(self.api, self.database, dispatcher.clock)
        self.approvals = Approvals(self.api, dispatcher, self._told, self._alarm)
        self.clicks = Clicks(dispatcher, self._update_card)
        self.stream = Stream(
            client, secret, http, settings.dingtalk_api_url,
            on_message=self._on_message, on_card=self.clicks.answer, on_event=self._on_event,
        )  # fmt: skip
        self._last_words: dict[str, str] = {}

    # Talk: the port

    async def run(self) -> None:
        beside = [asyncio.create_task(self.tally.run()), asyncio.create_task(self.directory.run())]
        try:
            await self.stream.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, self.clicks.stop(), return_exceptions=True)
            await self.tally.write()

    def ready(self) -> bool:
        return self.stream.connected

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        place = address.split(":", 1)[1]
        if place.startswith("cid"):
            title, text = markdown(message)
            query = await self._meant(
                self.api.send_to_group(place, "sampleMarkdown", {"title": title, "text": text})
            )
            return _ref("", query)
        return await self._say(place, message, key, unsure=unsure)

    async def replace(self, address: str, ref: str, message: Message) -> None:
        track = ref.partition("@")[0]
        if not track:
            place = address.split(":", 1)[1]
            if not place.startswith("cid"):
                await self._say_settled(place, message)
            return
        # DingTalk takes no update of a card before the click on it has its answer.
        await self.clicks.settled(track)
        # The line that only the clicker saw belongs to the old state.
        user = self.clicks.take_hint(track)
        try:
            await self._update_card(track, card(message), {user: hint("")} if user else None)
        except Undeliverable as gone:
            log.info("a copy is gone", ref=ref, reason=str(gone))

    async def start_approval(self, approval: Approval, form: Message, *, unsure: bool) -> str:
        return await self._meant(self.approvals.start(approval, form, unsure=unsure))

    async def end_approval(self, approval: Approval, ref: str, form: Message) -> None:
        await self._meant(self.approvals.end(approval, ref, form))

    async def review_approval(self, ref: str, code: str) -> None:
        await self._meant(self.approvals.review(ref, code))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        if by.get("group") and not by.get("public"):
            await self._say(by["user"], message, f"answer:{by['key']}")
            await self._point_to_chat(by, message)
        elif self.template and by["user"] and any(button.action in CONFIRM for button in message.buttons):
            await self._say(by["user"], message, f"answer:{by['key']}")
        elif self.template and by["user"] and not by.get("group") and _is_balance(message):
            await self._show_balance(by, message)
        else:
            await self._reply(by, message)

    async def _show_balance(self, by: dict[str, Any], message: Message) -> None:
        """As a card with buttons; as words, which cost no call, once half of a free month's calls are used."""
        if await self.tally.this_month() >= CALLS_FOR_CARDS:
            await self._reply(by, message)
            return
        try:
            await self._say(by["user"], message, f"answer:{by['key']}")
        except MessengerError as error:
            if error.unknown:  # the card may be there
                raise
            await self._reply(by, message)

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return await self.directory.profile(address.split(":", 1)[1])

    def collectors(self) -> list[Collector]:
        return [self.tally]

    async def people(self) -> list[tuple[str, Profile]]:
        return await self.directory.people()

    # Say

    async def _say(self, user: str, message: Message, key: str, *, unsure: bool = False) -> str:
        """Write to one person: a card if the message has buttons, else Markdown.

        Return the ref: the card's id, empty for Markdown, and the name by which a reply quotes it.
        """
        if self.template and message.buttons:
            track = track_of(key)
            try:
                return _ref(track, await self._deliver(user, message, track, unsure=unsure))
            except DingTalkError as error:
                if _passing(error):
                    raise await self._told(error) from error
                await self._told(error)
                log.warning("no card, so words instead", key=key, code=error.code, request=error.request_id)
        title, text = markdown(message)
        sent = await self._meant(
            self.api.send_to_users([user], "sampleMarkdown", {"title": title, "text": text})
        )
        if (why := sent.unreached.get(user)) == "flow controlled":
            raise MessengerError("flow controlled", retry_after=FLOW)
        if why:
            raise Undeliverable(f"{user}: {why}")
        return _ref("", sent.query_key)

    async def _deliver(self, user: str, message: Message, track: str, *, unsure: bool) -> str:
        carrier = await self.api.create_card(
            self.template, track, card(message), user=user, preview=preview(message)
        )
        if unsure:
            # A card that an earlier try created keeps the state of then.
            await self.api.update_card(track, card(message))
        return carrier

    async def _reply(self, by: dict[str, Any], message: Message) -> None:
        # The sessionWebhook costs no call of the month, but lives about an hour; after that the answer goes
        # to the private chat.
        title, text = markdown(message)
        if by["url"] and self.dispatcher.clock().timestamp() < by["expires"] - MARGIN.total_seconds():
            # Markdown needs the mention twice: in the text and in atUserIds.
            at = [by["user"]] if by.get("group") and by["user"] else []
            content = {"title": title, "text": text + "".join(f"\n\n@{one}" for one in at)}
            try:
                await self.api.reply(by["url"], "markdown", content, at)
            except DingTalkError as error:
                if error.code not in _GONE_WEBHOOK:
                    raise await self._told(error) from error
            else:
                return
        if not by["user"]:
            raise Undeliverable("no way to answer somebody without a user id")
        await self._say(by["user"], message.without_buttons() if self.template else message, by["key"])

    async def _point_to_chat(self, by: dict[str, Any], message: Message) -> None:
        # The private answer has arrived; a failed pointer is logged and not retried.
        if self.dispatcher.clock().timestamp() >= by["expires"]:
            return
        try:
            words = {"content": str(texts.PUBLIC_ASK_PRIVATELY(message.locale))}
            await self.api.reply(by["url"], "text", words, [by["user"]])
        except DingTalkError as error:
            log.info("a group was not pointed to the chat", code=error.code)

    async def _say_settled(self, user: str, message: Message) -> None:
        # Markdown cannot be changed, so the decision is a new message. People who typed the decision
        # themselves do not get it.
        code = message.title.rpartition(" ")[2]
        open_ = any(button.action.startswith("request.approve") for button in message.buttons)
        if code and not open_ and code not in self._last_words.get(user, "").upper():
            await self._say(user, message.without_buttons(), "")

    async def _update_card(self, track: str, values: Values, private: Mapping[str, Values] | None) -> None:
        await self._meant(self.api.update_card(track, values, private))

    async def _meant(self, call: Awaitable[T]) -> T:
        """Await the call; translate its errors into those of the port."""
        try:
            return await call
        except DingTalkError as error:
            raise await self._told(error) from error

    async def _told(self, error: DingTalkError) -> MessengerError | Undeliverable:
        """Return the error that the worker handles; tell the admins about errors that only they can mend."""
        if error.quota_used_up:
            await self._alarm("calls", texts.CALLS_USED_UP)
            return MessengerError(str(error), retry_after=USED_UP_AGAIN)
        if error.missing_scopes:
            log.error("permissions are missing", scopes=error.missing_scopes, request=error.request_id)
            await self._alarm(
                "scopes", texts.MISSING_SCOPES, scopes=SafeText(", ".join(error.missing_scopes))
            )
            return MessengerError(str(error))
        if isinstance(error, OutcomeUnknown):
            return MessengerError(str(error), unknown=True)
        if error.temporary:
            return MessengerError(str(error), retry_after=error.retry_after)
        return Undeliverable(str(error))

    async def _alarm(self, about: str, text: Text, **facts: Any) -> None:
        log.error("dingtalk needs an admin", about=about)
        now = self.dispatcher.clock()
        work = partial(tell_admins, text=text, now=now, about=f"dingtalk-{about}", facts=facts)
        try:
            await self.database.write(work)
        except Exception:
            log.exception("the admins could not be told", about=about)
        self.dispatcher.wake()

    # Read: what arrives

    async def _on_message(self, frame: Frame) -> None:
        chat = ChatMessage.read(frame.data, frame.message_id)
        self.clicks.corp = chat.own_corp or self.clicks.corp
        command = chat.command(self.dispatcher.clock().date())
        objection = chat.objection
        by: Json = {
            "way": "webhook", "url": chat.url, "expires": chat.expires.timestamp(), "user": chat.user,
            "group": chat.group, "public": (command.intent in PUBLIC and chat.quoted is None) or objection is not None, "key": f"dingtalk:{chat.id}",
            "lane": chat.user or chat.id,
        }  # fmt: skip
        request = Request(
            key=f"dingtalk:{chat.id}", sender=f"dingtalk:{chat.user}", command=command, place=chat.group,
            quoted=chat.quoted, answer_by=by if chat.url or chat.user else None,
        )  # fmt: skip
        if isinstance(objection, CallsUsedUp):
            await self._alarm("calls", texts.CALLS_USED_UP)
        if objection is not None:
            await self.dispatcher.refuse(request, objection)
            return
        remember(self._last_words, chat.user, command.text)
        await self.dispatcher.handle(request)

    async def _on_event(self, frame: Frame) -> Json | None:
        """Handle an event of an approval or of the directory. The answer LATER makes DingTalk push it again."""
        if frame.event_type == approvals.EVENT:
            await self.approvals.heard(frame.data)
            return None
        named = frame.data.get("userId")
        users = [str(user) for user in named] if isinstance(named, list) else []
        for user in users:
            self.directory.forget(user)
        try:
            await self.directory.hint(frame.event_type, users)
        except DingTalkError as error:
            log.warning("a hint waits", code=error.code, request=error.request_id)
            return {"status": "LATER", "message": error.code}
        return None


def _ref(track: str, quoted_as: str) -> str:
    return f"{track}@{quoted_as}" if quoted_as else track


def _passing(error: DingTalkError) -> bool:
    # An error that may pass is retried as it is: a fallback message now would arrive beside the retried
    # card.
    return error.temporary or error.quota_used_up or isinstance(error, OutcomeUnknown)


def _is_balance(message: Message) -> bool:
    return {"request.open", "history.open"} <= {button.action for button in message.buttons}
