"""Clicks on a card, answered inside the acknowledgement, for which DingTalk waits two seconds.

https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from sqlmodel import Session

from bot.answers import Outcome
from bot.dispatch import Dispatcher
from bot.messengers.dingtalk.api import Values, card_values
from bot.messengers.dingtalk.errors import Json
from bot.messengers.dingtalk.frame import Frame
from bot.messengers.dingtalk.memory import remember
from bot.messengers.dingtalk.read import Click
from bot.messengers.dingtalk.render import Variables, card, form_hint, hint, said, slots, track_of
from bot.messengers.port import MessengerError, Request, Undeliverable
from handlers.command import Command
from handlers.routes import BUTTONS, CONFIRM
from models.messages.message import Form, Message
from models.messages.outbox import copies
from models.refusal import TooSlow

log = structlog.get_logger()

# Presses that do not settle the card: its buttons stay.
STAYING = {"history.open"} | {name for name, route in BUTTONS.items() if route.form is not None}

Update = Callable[[str, Values, Mapping[str, Values] | None], Awaitable[None]]


class Clicks:
    """`update` changes a card by PUT; it raises the errors of the port."""

    def __init__(self, dispatcher: Dispatcher, update: Update) -> None:
        self.dispatcher, self.database, self.update = dispatcher, dispatcher.database, update
        # Our organisation's id, learned from the first message; clicks from another organisation are
        # ignored.
        self.corp = ""
        self._hinted: dict[str, str] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._afterwards: set[asyncio.Task[None]] = set()

    async def settled(self, track: str) -> None:
        """Wait until no click on this card is unanswered; DingTalk rejects an update before that."""
        if (clicked := self._waiting.get(track)) is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(clicked.wait(), self.dispatcher.patience.click)

    def take_hint(self, track: str) -> str:
        """The user with a private line on this card, or ""; the next update removes the line."""
        return self._hinted.pop(track, "")

    async def stop(self) -> None:
        for task in self._afterwards:
            task.cancel()
        await asyncio.gather(*self._afterwards, return_exceptions=True)

    async def answer(self, frame: Frame) -> Json:
        """Commit the click, then return the new state for everybody and a private line for the clicker."""
        click, began = Click.read(frame.data), time.monotonic()
        foreign = bool(self.corp and click.corp and click.corp != self.corp)
        if not click.track or not click.user or foreign or click.action not in (*BUTTONS, *CONFIRM):
            log.warning("a click that means nothing here", card=click.track, action=click.action[:40])
            return {"response": {}}
        done = self._waiting.setdefault(click.track, asyncio.Event())
        try:
            outcome = await self.dispatcher.handle(_request_of(click, frame.message_id))
            public, private = await self._shown_after(click, outcome)
        finally:
            self._waiting.pop(click.track, None)
            done.set()
        # DingTalk dropped the late answer, so the same state goes by PUT.
        if time.monotonic() - began > self.dispatcher.patience.click:
            self._say_again(click, public, private)
        return {"response": _response(public, private)}

    async def _shown_after(self, click: Click, outcome: Outcome) -> tuple[Variables, Variables]:
        """The variables that change for everybody, and those that only the clicker sees."""
        message = outcome.message
        if isinstance(message, Form):
            remember(self._hinted, click.track, click.user)
            return {}, hint(form_hint(message))
        if click.action == "history.open" and not outcome.refused:
            return {}, card(message)
        copy = await self._copy_of(click)
        theirs = copy is not None and (not outcome.refused or copy[1] == f"dingtalk:{click.user}")
        if copy is not None and theirs:
            return card(copy[0]), hint(said(message))
        # Only cards in a chat of two come here: the question stands in the place of what was pressed.
        asks = any(button.action in CONFIRM for button in message.buttons)
        if asks or (click.action in CONFIRM and not outcome.refused):
            return card(message), {}
        if outcome.refused or click.action in STAYING:
            return {}, hint(said(message)) if said(message) else {}
        return slots(), hint(said(message))

    async def _copy_of(self, click: Click) -> tuple[Message, str] | None:
        try:
            return await self.database.write(
                partial(_copy, click=click), within=self.dispatcher.patience.card
            )
        # The click is committed; without the new state the answer only removes the buttons.
        except TooSlow:
            return None

    def _say_again(self, click: Click, public: Variables, private: Variables) -> None:
        async def put() -> None:
            with contextlib.suppress(MessengerError, Undeliverable):
                await self.update(click.track, public, {click.user: private})

        task = asyncio.create_task(put())
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)


def _request_of(click: Click, push: str) -> Request:
    """The key repeats for the same click, so a second click is the same request; a refused click can be asked again."""
    key = f"dingtalk:card:{click.track}:{click.user}:{click.action}:{click.value}"
    reason = click.reason if click.action == "request.decline" else ""
    stays = click.action in STAYING and not reason
    return Request(
        key=f"{key}:{push}" if stays else key, push=push, sender=f"dingtalk:{click.user}", can_open=stays,
        command=Command.filled(click.action, click.value, {"reason": reason}), from_form=bool(reason),
    )  # fmt: skip


def _response(public: Variables, private: Variables) -> Json:
    options = {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
    answer: Json = {"cardUpdateOptions": options}
    if public:
        answer["cardData"] = {"cardParamMap": card_values(public)}
    if private:
        answer["userPrivateData"] = {"cardParamMap": card_values(private)}
    return answer


def _copy(session: Session, click: Click) -> tuple[Message, str] | None:
    """The newest state of the clicked card and the address of this copy; None for cards that do not change."""
    kind = click.action.split(".", 1)[0]
    about = {"request": "request", "borrow": "ask"}.get(kind)
    for copy in copies(session, f"{about}:{click.value.strip().upper()}") if about else ():
        if track_of(copy.key) == click.track:
            return Message.from_json(copy.payload["message"]), str(copy.payload["address"])
    return None
