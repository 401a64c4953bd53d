"""Requests as DingTalk's own approvals: started, ended, and what was decided there taken to the dispatcher like a click.

The two systems cannot commit together, so ours decides: what an instance says is asked of the dispatcher as the person
who said it, and whoever was first in our ledger wins. An event is a nudge, promised before it is acknowledged; events may
be lost, so housekeeping looks by itself, too. All of it is safe to do again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
from sqlmodel import Session

from bot.dispatch import Dispatcher
from bot.messengers.dingtalk import workflow
from bot.messengers.dingtalk.api import DingTalkApi
from bot.messengers.dingtalk.errors import DingTalkError, OutcomeUnknown
from bot.messengers.dingtalk.render import plain
from bot.messengers.dingtalk.workflow import Instance
from bot.messengers.port import MessengerError, Request, Undeliverable
from handlers.approval import oa, oa_form
from handlers.command import Command
from handlers.words import texts
from models.messages.message import Message
from models.quota.code import Code
from models.quota.request import Request as Asked
from models.refusal import NoPolicyYet, PeriodClosing, StatusUnknown, TooSlow

log = structlog.get_logger()

EVENT = "bpms_instance_change"
ENDS = ("finish", "terminate", "delete")
"""What an event may say that is worth a look; `start` is our own doing."""
UNTOUCHABLE = 15.0
"""Seconds after its start within which DingTalk lets nobody end an approval; and those we give it to list a lost one."""
BEFORE = timedelta(hours=1)
"""How long before a request was last changed we look for what was started: clocks differ, too."""
SOON = (TooSlow, StatusUnknown, PeriodClosing, NoPolicyYet)
"""Refusals that are only a matter of time."""

Told = Callable[[DingTalkError], Awaitable[MessengerError | Undeliverable]]
Alarm = Callable[..., Awaitable[None]]


class Approvals:
    """`told` says what an error means for the worker, `alarm` tells the admins once a day."""

    def __init__(self, api: DingTalkApi, dispatcher: Dispatcher, told: Told, alarm: Alarm) -> None:
        self.api, self.dispatcher, self.told, self.alarm = api, dispatcher, told, alarm
        self.database, self.clock = dispatcher.database, dispatcher.clock

    # Out

    async def start(self, shape: str, form: Message, *, unsure: bool) -> str:
        """Start the approval and return its ref. What cannot be one is `Undeliverable`, and goes out as a card."""
        try:
            return await self._started(shape, form, unsure=unsure)
        except OutcomeUnknown as error:
            raise MessengerError(str(error), unknown=True, retry_after=UNTOUCHABLE) from error
        except DingTalkError as error:
            told = await self.told(error)
            raise (told if error.temporary else Undeliverable(f"no approval: {error}")) from error

    async def _started(self, shape: str, form: Message, *, unsure: bool) -> str:
        code, *people = shape.removeprefix(oa_form.SHAPE).split("/")
        who, *approvers = (unquote(one) for some in people for one in some.split(","))
        process, since = await self.database.write(partial(_start_of, code=code))
        found = await self._lost(code, process, who, approvers, since) if unsure else ""
        if not found and not form.buttons:
            return oa.ref_of(code, "") + oa.OVER  # settled before it was started
        return oa.ref_of(code, found or await workflow.start(self.api, process, who, approvers, form.facts))

    async def _lost(self, code: str, process: str, who: str, approvers: list[str], since: datetime) -> str:
        """What an earlier try may have started: the same CODE, asked of the same people, by a call."""
        for one in await workflow.listed(self.api, process, who, int((since - BEFORE).timestamp() * 1000)):
            found = await workflow.read(self.api, one)
            if found.values.get(oa_form.CODE) == code and sorted(found.approvers) == sorted(approvers):
                log.info("an approval was started after all", instance=one, code=code)
                # It may be decided by now, and its event came when we did not know it.
                later = self.clock() + timedelta(seconds=UNTOUCHABLE)
                await self.database.write(partial(oa.nudge, instance=one, why="found", now=later, code=code))
                return one
        return ""

    async def end(self, ref: str, form: Message) -> None:
        """End it there, when it is settled here; a form that is still wanted cannot be changed."""
        if form.buttons or ref.endswith(oa.OVER):
            return
        code, instance = oa.parts(ref)
        try:
            await workflow.end(self.api, instance, plain(form.text))
        except DingTalkError as error:
            if error.temporary or error.quota_used_up or error.missing_scopes:
                raise
            await self._not_ended(code, instance, error)
        else:
            await self.database.write(partial(oa.ended, code=code, instance=instance, now=self.clock()))

    async def _not_ended(self, code: str, instance: str, error: DingTalkError) -> None:
        found = await workflow.read(self.api, instance)
        if found.over:
            await self._take(instance, found)
        elif error.code == workflow.WRONG_STATE:
            raise MessengerError("too young to be ended", retry_after=UNTOUCHABLE) from error
        else:
            await self.alarm("oa-stays", texts.OA_STAYS)
            raise Undeliverable(str(error)) from error

    # Back

    async def heard(self, data: dict[str, Any]) -> None:
        """An event: promise to look, if it is of our form. The same news twice is promised once."""
        instance, news = str(data.get("processInstanceId") or ""), str(data.get("type") or "")
        if instance and news in ENDS:
            work = partial(
                _nudged, instance=instance, process=data.get("processCode"), news=news, now=self.clock()
            )
            await self.database.write(work)
            self.dispatcher.wake()

    async def review(self, ref: str) -> None:
        """Look at an instance, and carry out what was decided there."""
        code, instance = oa.parts(ref)
        try:
            found = await workflow.read(self.api, instance)
        except DingTalkError as error:
            if error.code not in workflow.NO_SUCH_INSTANCE:
                raise
            await self._card_instead(code, instance, "deleted there")
        else:
            if found.over:
                await self._take(instance, found)

    async def _take(self, instance: str, found: Instance) -> None:
        code = found.values.get(oa_form.CODE, "")
        ours = await self.database.write(partial(oa.recognise, code=code, instance=instance))
        if ours is not None and ours.early:
            raise MessengerError("its start was not answered yet")
        if ours is None:
            log.info("an approval that we do not wait for", instance=instance, code=code)
        elif found.status == "COMPLETED":
            await self._decided(code, instance, found, ours)
        elif ours.wanted and found.revoked_by == found.originator:
            await self._ask(instance, found.originator, "request.cancel", code)
        elif ours.wanted:
            await self._card_instead(code, instance, f"revoked there by {found.revoked_by or 'somebody'}")

    async def _decided(self, code: str, instance: str, found: Instance, ours: oa.Found) -> None:
        """Carry it out as each who said so, the last one first, like their click on a card; where no word counts, say so."""
        verdict = oa.Verdict(found.agreed)
        for act in found.decisions:
            if found.agreed:
                no = await self._ask(instance, act.user, "request.approve", code)
            else:
                reason = act.remark.strip() or str(texts.OA_NO_REMARK(ours.locale))
                no = await self._ask(instance, act.user, "request.decline", code, reason=reason)
            if no is None:
                return
            verdict = oa.Verdict(found.agreed, act.user, await self._name(act.user), no)
        work = partial(oa.not_counted, code=code, instance=instance, verdict=verdict, now=self.clock())
        await self.database.write(work)
        log.warning("a decision in DingTalk changed nothing", code=code, instance=instance, by=verdict.user)
        self.dispatcher.wake()

    async def _ask(self, instance: str, user: str, action: str, code: str, reason: str = "") -> str | None:
        """Ask it of the dispatcher as this person; None, or the refusal. What may be otherwise soon is tried again."""
        request = Request(
            key=f"dingtalk:oa:{instance}:{user}:{action}", push=self.clock().isoformat(),
            sender=f"dingtalk:{user}", from_form=bool(reason),
            command=Command.filled(action, code, {"reason": reason}),
        )  # fmt: skip
        outcome = await self.dispatcher.handle(request)
        if not outcome.refused:
            return None
        if outcome.no is None or isinstance(outcome.no, SOON):
            raise MessengerError(f"not now: {outcome.no or 'something broke'}", retry_after=UNTOUCHABLE)
        return outcome.message.text if isinstance(outcome.message, Message) else ""

    async def _card_instead(self, code: str, instance: str, why: str) -> None:
        """It ended there without a word of anybody who was asked."""
        work = partial(oa.set_aside, code=code, instance=instance, now=self.clock(), why=why)
        if await self.database.write(work):
            log.warning("an approval has gone, so a card instead", code=code, instance=instance, why=why)

    async def _name(self, user: str) -> str:
        try:
            return (await self.api.user(user)).name
        except DingTalkError:
            return user


def _start_of(session: Session, code: str) -> tuple[str, datetime]:
    """The form's processCode, and when this request was asked."""
    request = session.get_one(Asked, session.get_one(Code, code).request_id)
    return oa_form.process_code(session), request.asked_at


def _nudged(session: Session, instance: str, process: Any, news: str, now: datetime) -> None:
    if process and process == oa_form.process_code(session):
        oa.nudge(session, instance, news, now)
