"""DingTalk: read what arrives, answer in time, say what was promised. Our own Stream supervisor and API client.

Acknowledged is committed: a frame is acknowledged once the dispatcher is through. A click is answered inside the
acknowledgement, which DingTalk waits for two seconds; other copies, and everything later, go by PUT and batchSend.
Calls are scarce (5,000 a month on the free plan): what answers somebody goes through the sessionWebhook of their words.
https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import aiohttp
import structlog
from sqlmodel import Session

from bot.answers import Outcome
from bot.dispatch import Dispatcher
from bot.hearing import hear
from bot.messengers.dingtalk import approvals
from bot.messengers.dingtalk.api import DingTalkApi, card_values
from bot.messengers.dingtalk.approvals import Approvals
from bot.messengers.dingtalk.connection import Frame, Stream
from bot.messengers.dingtalk.directory import Directory
from bot.messengers.dingtalk.errors import DingTalkError, OutcomeUnknown
from bot.messengers.dingtalk.read import Click, Heard
from bot.messengers.dingtalk.render import (
    Variables,
    card,
    form_hint,
    hint,
    markdown,
    preview,
    said,
    slots,
    track_of,
)
from bot.messengers.dingtalk.tally import Tally
from bot.messengers.port import MessengerError, Request, Undeliverable
from bot.settings import Settings
from handlers.admins import tell_admins
from handlers.approval.oa_form import SHAPE
from handlers.routes import BUTTONS, CONFIRM
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.messages.message import Form, Message
from models.messages.outbox import copies
from models.people.profile import Profile
from models.refusal import CallsUsedUp, TooSlow

log = structlog.get_logger()

T = TypeVar("T")
Json = dict[str, Any]

PROFILE_KEPT = 60 * 60
IN_TIME = 1.8
"""Seconds after which an answer to a click may come too late to be shown: it is said again by PUT."""
LOOKING = 0.5
"""Seconds that reading a card's new state may take after the decision; it is shown by PUT otherwise."""
MARGIN = timedelta(seconds=5)
"""How long before its end a sessionWebhook is no longer trusted."""
USED_UP_AGAIN = 60 * 60.0
"""Seconds until a call is tried again that the month's quota had no room for."""
FLOW = 60.0
"""Seconds until somebody whom DingTalk protects from floods is written to again."""
REMEMBERED = 10_000
PUBLIC = ("help", "lang", "none")
"""What may be answered in front of a group: nothing in it is anybody's own."""
STAYING = {"history.open"} | {name for name, route in BUTTONS.items() if route.form is not None}
"""Presses that leave the card's buttons where they are."""
_GONE_WEBHOOK = ("300001", "foreign webhook")
_GONE_PERSON = ("60121",)


class DingTalk:
    """The DingTalk organisation as a `Messenger`."""

    name = "dingtalk"

    def __init__(self, settings: Settings, dispatcher: Dispatcher, http: aiohttp.ClientSession) -> None:
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
        self.stream = Stream(
            client, secret, http, settings.dingtalk_api_url,
            on_message=self._on_message, on_card=self._on_card, on_event=self._on_event,
        )  # fmt: skip
        self._corp = ""
        self._profiles: dict[str, tuple[float, Profile]] = {}
        self._last_words: dict[str, str] = {}
        self._hinted: dict[str, str] = {}
        self._clicked: dict[str, asyncio.Event] = {}
        self._afterwards: set[asyncio.Task[None]] = set()

    # Talk: the port

    async def run(self) -> None:
        """Listen until cancelled; counts are written and the directory is read now and then beside it."""
        beside = [asyncio.create_task(self.tally.run()), asyncio.create_task(self.directory.run())]
        try:
            await self.stream.run()
        finally:
            for task in (*beside, *self._afterwards):
                task.cancel()
            await asyncio.gather(*beside, *self._afterwards, return_exceptions=True)
            await self.tally.write()

    def ready(self) -> bool:
        return self.stream.connected

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        place = address.split(":", 1)[1]
        if place.startswith(SHAPE):
            return await self._meant(self.approvals.start(place, message, unsure=unsure))
        if place.startswith("cid"):
            title, text = markdown(message)
            said_there = self.api.send_to_group(place, "sampleMarkdown", {"title": title, "text": text})
            return f"group:{await self._meant(said_there)}"
        return await self._say(place, message, key, unsure=unsure)

    async def replace(self, ref: str, message: Message) -> None:
        if ref.startswith("group:"):
            return
        if ref.startswith("oa:"):
            await self._meant(self.approvals.end(ref, message))
            return
        if ref.startswith("text:"):
            await self._say_settled(ref.removeprefix("text:"), message)
            return
        if (clicked := self._clicked.get(ref)) is not None:
            # DingTalk asks for no update while a click waits for its answer, which shows this state already.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(clicked.wait(), IN_TIME)
        user = self._hinted.pop(ref, "")
        try:
            await self._meant(self.api.update_card(ref, card(message), {user: hint("")} if user else None))
        except Undeliverable as gone:
            log.info("a copy is gone", ref=ref, reason=str(gone))

    async def review(self, ref: str) -> None:
        """Look at an approval of DingTalk's own, and carry out what was decided there."""
        await self._meant(self.approvals.review(ref))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        if by.get("group") and not by.get("public"):
            await self._say(by["user"], message, f"answer:{by['key']}")
            await self._point_to_chat(by, message)
        elif self.template and by["user"] and any(button.action in CONFIRM for button in message.buttons):
            await self._say(by["user"], message, f"answer:{by['key']}")
        else:
            await self._reply(by, message)

    async def home(self, address: str, message: Message) -> None:
        """There is none."""

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        user, now = address.split(":", 1)[1], time.monotonic()
        kept = self._profiles.get(user)
        if kept is not None and now - kept[0] < PROFILE_KEPT:
            return kept[1]
        try:
            found = await self.api.user(user)
        except DingTalkError as error:
            if error.code not in _GONE_PERSON:
                log.warning("a profile could not be read", code=error.code, request=error.request_id)
                return None
            profile = Profile("gone")
        else:
            status = "member" if found.active else "gone"
            profile = Profile(status, found.name, found.email.lower() or None, "zh-CN")
        _remember(self._profiles, user, (now, profile))
        return profile

    async def people(self) -> list[tuple[str, Profile]]:
        """Everybody of the organisation; raises rather than returning half of them."""
        found = (await self.directory.read()).users.values()
        return [
            (f"dingtalk:{one.id}", Profile("member" if one.active else "gone", one.name, one.email, "zh-CN"))
            for one in found
        ]

    # Say

    async def _say(self, user: str, message: Message, key: str, *, unsure: bool = False) -> str:
        """To one person: as a card where there is something to press, else as Markdown. Returns where it landed."""
        if self.template and message.buttons:
            track = track_of(key)
            try:
                await self._deliver(user, message, track, unsure=unsure)
            except DingTalkError as error:
                if _passing(error):
                    raise await self._told(error) from error
                await self._told(error)
                log.warning("no card, so words instead", key=key, code=error.code, request=error.request_id)
            else:
                return track
        title, text = markdown(message)
        sent = await self._meant(
            self.api.send_to_users([user], "sampleMarkdown", {"title": title, "text": text})
        )
        if (why := sent.unreached.get(user)) == "flow controlled":
            raise MessengerError("flow controlled", retry_after=FLOW)
        if why:
            raise Undeliverable(f"{user}: {why}")
        return f"text:{user}"

    async def _deliver(self, user: str, message: Message, track: str, *, unsure: bool) -> None:
        await self.api.create_card(self.template, track, card(message), user=user, preview=preview(message))
        if unsure:
            # A card that an earlier try created keeps the state of then.
            await self.api.update_card(track, card(message))

    async def _reply(self, by: dict[str, Any], message: Message) -> None:
        """Through the sessionWebhook of their words while it lives, which costs nothing; in private after that."""
        title, text = markdown(message)
        if by["url"] and self.dispatcher.clock().timestamp() < by["expires"] - MARGIN.total_seconds():
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
        """Tell the group that the answer is private; it is there already, so a failure here is not tried again."""
        if self.dispatcher.clock().timestamp() >= by["expires"]:
            return
        try:
            words = {"content": str(texts.PUBLIC_ASK_PRIVATELY(message.locale))}
            await self.api.reply(by["url"], "text", words, [by["user"]])
        except DingTalkError as error:
            log.info("a group was not pointed to the chat", code=error.code)

    async def _say_settled(self, user: str, message: Message) -> None:
        """Words cannot be changed: whoever has not just typed the decision themselves is told of it."""
        code = message.title.rpartition(" ")[2]
        open_ = any(button.action.startswith("request.approve") for button in message.buttons)
        if code and not open_ and code not in self._last_words.get(user, "").upper():
            await self._say(user, message.without_buttons(), "")

    async def _meant(self, call: Awaitable[T]) -> T:
        """The answer of a call; what went wrong in the words of the port."""
        try:
            return await call
        except DingTalkError as error:
            raise await self._told(error) from error

    async def _told(self, error: DingTalkError) -> MessengerError | Undeliverable:
        """What an error means for the worker; the admins hear of what only they can mend."""
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
        heard = Heard.read(frame.data, frame.message_id)
        self._corp = heard.own_corp or self._corp
        words = heard.sentence
        public = hear(words, self.dispatcher.clock().date()).intent in PUBLIC
        objection = heard.objection
        by: Json = {
            "way": "webhook", "url": heard.url, "expires": heard.expires.timestamp(), "user": heard.user,
            "group": heard.group, "public": public or objection is not None, "key": f"dingtalk:{heard.id}",
            "lane": heard.user or heard.id,
        }  # fmt: skip
        request = Request(
            key=f"dingtalk:{heard.id}", sender=f"dingtalk:{heard.user}", words=(words,), loose=heard.guessed,
            place="group" if heard.group else "dm", answer_by=by if heard.url or heard.user else None,
        )  # fmt: skip
        if isinstance(objection, CallsUsedUp):
            await self._alarm("calls", texts.CALLS_USED_UP)
        if objection is not None:
            await self.dispatcher.refuse(request, objection)
            return
        _remember(self._last_words, heard.user, words)
        await self.dispatcher.handle(request)

    async def _on_card(self, frame: Frame) -> Json:
        """Commit, then answer: the new state for everybody and a line for whoever clicked."""
        click, began = Click.read(frame.data), time.monotonic()
        foreign = bool(self._corp and click.corp and click.corp != self._corp)
        if not click.track or not click.user or foreign or click.action not in (*BUTTONS, *CONFIRM):
            log.warning("a click that means nothing here", card=click.track, action=click.action[:40])
            return {"response": {}}
        done = self._clicked.setdefault(click.track, asyncio.Event())
        try:
            outcome = await self.dispatcher.handle(_request_of(click, frame.message_id))
            public, private = await self._shown_after(click, outcome)
        finally:
            self._clicked.pop(click.track, None)
            done.set()
        if time.monotonic() - began > IN_TIME:
            self._say_again(click, public, private)
        return {"response": _response(public, private)}

    async def _shown_after(self, click: Click, outcome: Outcome) -> tuple[Variables, Variables]:
        """What everybody sees now, as far as it changes, and what only the clicker sees."""
        message = outcome.message
        if isinstance(message, Form):
            _remember(self._hinted, click.track, click.user)
            return {}, hint(form_hint(message))
        if click.action == "history.open" and not outcome.refused:
            return {}, card(message)
        copy = await self._copy_of(click)
        theirs = copy is not None and (not outcome.refused or copy[1] == f"dingtalk:{click.user}")
        if copy is not None and theirs:
            return card(copy[0]), hint(said(message))
        if outcome.refused or click.action in STAYING:
            return {}, hint(said(message)) if said(message) else {}
        if click.action in CONFIRM:
            return card(message), {}
        return slots(), hint(said(message))

    async def _copy_of(self, click: Click) -> tuple[Message, str] | None:
        try:
            return await self.database.write(partial(_copy, click=click), within=LOOKING)
        except TooSlow:
            return None

    def _say_again(self, click: Click, public: Variables, private: Variables) -> None:
        async def put() -> None:
            with contextlib.suppress(MessengerError, Undeliverable):
                await self._meant(self.api.update_card(click.track, public, {click.user: private}))

        task = asyncio.create_task(put())
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)

    async def _on_event(self, frame: Frame) -> Json | None:
        """Of an approval, or a change in the directory: forget what we knew of whom it names, and look; LATER if we cannot."""
        if frame.event_type == approvals.EVENT:
            await self.approvals.heard(frame.data)
            return None
        named = frame.data.get("userId")
        users = [str(user) for user in named] if isinstance(named, list) else []
        for user in users:
            self._profiles.pop(user, None)
        try:
            await self.directory.hint(frame.event_type, users)
        except DingTalkError as error:
            log.warning("a hint waits", code=error.code, request=error.request_id)
            return {"status": "LATER", "message": error.code}
        return None


def _request_of(click: Click, push: str) -> Request:
    """The click as a request. The same click is the same request for ever, but a no may be asked again."""
    key = f"dingtalk:card:{click.track}:{click.user}:{click.action}:{click.value}"
    reason = click.reason if click.action == "request.decline" else ""
    stays = click.action in STAYING and not reason
    return Request(
        key=f"{key}:{push}" if stays else key, push=push, sender=f"dingtalk:{click.user}",
        words=(click.action, click.value), place="button", can_open=click.action in STAYING,
        fields={"reason": reason} if reason else {},
    )  # fmt: skip


def _response(public: Variables, private: Variables) -> Json:
    """The answer to a click; without a part, that part stays as it is."""
    options = {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
    answer: Json = {"cardUpdateOptions": options}
    if public:
        answer["cardData"] = {"cardParamMap": card_values(public)}
    if private:
        answer["userPrivateData"] = {"cardParamMap": card_values(private)}
    return answer


def _copy(session: Session, click: Click) -> tuple[Message, str] | None:
    """The newest state of the card that was clicked, and whose copy it is; None where nothing is retold."""
    kind = click.action.split(".", 1)[0]
    about = {"request": "request", "borrow": "ask"}.get(kind)
    for copy in copies(session, f"{about}:{click.value.strip().upper()}") if about else ():
        if track_of(copy.key) == click.track:
            return Message.from_json(copy.payload["message"]), str(copy.payload["address"])
    return None


def _passing(error: DingTalkError) -> bool:
    """Whether trying again may help: then no second way is taken, lest it be said twice."""
    return error.temporary or error.quota_used_up or isinstance(error, OutcomeUnknown)


def _remember(known: dict[str, Any], key: str, value: Any) -> None:
    """Keep it, and forget the oldest where there are too many."""
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
