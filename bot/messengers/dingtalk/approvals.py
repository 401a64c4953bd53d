"""Requests as DingTalk's own approvals: start them, end them, and pass their decisions to the dispatcher.

DingTalk and the ledger cannot commit together, so the ledger decides: a decision in DingTalk is dispatched
like a click of the same person, and the first decision in the ledger wins. Events may be lost, so the clock
also looks. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.dispatch import Dispatcher
from bot.messengers.dingtalk import form, workflow
from bot.messengers.dingtalk.api import DingTalkApi
from bot.messengers.dingtalk.errors import DingTalkError, OutcomeUnknown
from bot.messengers.dingtalk.render import plain
from bot.messengers.dingtalk.workflow import Instance
from bot.messengers.port import MessengerError, Request, Undeliverable
from handlers.approval import outcome
from handlers.approval.approval import asked_at
from handlers.command import Command
from handlers.words import texts
from models.messages.approval import Approval, promise_review
from models.messages.message import Message
from models.refusal import NoPolicyYet, PeriodClosing, StatusUnknown, TooSlow

log = structlog.get_logger()

EVENT = "bpms_instance_change"
# `start` is left out: it reports what we did ourselves.
ENDS = ("finish", "terminate", "delete")
# Seconds in which DingTalk refuses to end a new approval. A lost approval appears in lists after about as
# long.
UNTOUCHABLE = 15.0
# Search margin before the request's own time: DingTalk's clock may be behind ours.
BEFORE = timedelta(hours=1)
# Refusals that pass by themselves; the decision is tried again.
SOON = (TooSlow, StatusUnknown, PeriodClosing, NoPolicyYet)

Told = Callable[[DingTalkError], Awaitable[MessengerError | Undeliverable]]
Alarm = Callable[..., Awaitable[None]]


class Approvals:
    """`told` translates an error for the worker; `alarm` tells the admins, at most once a day."""

    def __init__(self, api: DingTalkApi, dispatcher: Dispatcher, told: Told, alarm: Alarm) -> None:
        self.api, self.dispatcher, self.told, self.alarm = api, dispatcher, told, alarm
        self.database, self.clock = dispatcher.database, dispatcher.clock

    # Out

    async def start(self, approval: Approval, message: Message, *, unsure: bool) -> str:
        """Start the approval and return its instance id.

        Raises `Undeliverable` when the request must go out as a card.
        """
        try:
            return await self._started(approval, message, unsure=unsure)
        except OutcomeUnknown as error:
            raise MessengerError(str(error), unknown=True, retry_after=UNTOUCHABLE) from error
        except DingTalkError as error:
            told = await self.told(error)
            raise (told if error.temporary else Undeliverable(f"no approval: {error}")) from error

    async def _started(self, approval: Approval, message: Message, *, unsure: bool) -> str:
        process, asked = await self.database.read(partial(_start_of, code=approval.code))
        found = await self._lost(approval, process, asked) if unsure else ""
        if found or not message.buttons:  # no buttons: settled before it was started
            return found
        requester, deciders = _user(approval.requester), [_user(one) for one in approval.approvers]
        return await workflow.start(self.api, process, requester, deciders, form.labelled(message.facts))

    async def _lost(self, approval: Approval, process: str, asked: datetime) -> str:
        # DingTalk has no idempotency key: a lost start is found again by its CODE and its approvers.
        since, deciders = int((asked - BEFORE).timestamp() * 1000), [_user(one) for one in approval.approvers]
        for one in await workflow.listed(self.api, process, _user(approval.requester), since):
            found = await workflow.read(self.api, one)
            if found.values.get(form.CODE) == approval.code and sorted(found.approvers) == sorted(deciders):
                log.info("an approval was started after all", instance=one, code=approval.code)
                # Its event may have arrived before we knew the instance, so look once more.
                await self.database.write(partial(_look_soon, ref=one, code=approval.code, now=self.clock()))
                return one
        return ""

    async def end(self, approval: Approval, ref: str, message: Message) -> None:
        # A request that is still open cannot be changed there, so only a settled one is ended.
        if message.buttons or approval.over or not ref:
            return
        try:
            await workflow.end(self.api, ref, plain(message.text))
        except DingTalkError as error:
            if error.temporary or error.quota_used_up or error.missing_scopes:
                raise
            await self._not_ended(ref, error)
        else:
            work = partial(outcome.ended, messenger="dingtalk", code=approval.code, ref=ref, now=self.clock())
            await self.database.write(work)

    async def _not_ended(self, ref: str, error: DingTalkError) -> None:
        found = await workflow.read(self.api, ref)
        # `end` failed because somebody decided meanwhile: take that decision.
        if found.over:
            await self._take(ref, found)
        elif error.code == workflow.WRONG_STATE:
            raise MessengerError("too young to be ended", retry_after=UNTOUCHABLE) from error
        else:
            await self.alarm("oa-stays", texts.APPROVAL_STAYS)
            raise Undeliverable(str(error)) from error

    # Back

    async def heard(self, data: dict[str, Any]) -> None:
        """Promise a look at the instance, if it belongs to our form. A repeated event promises one look."""
        ref, news = str(data.get("processInstanceId") or ""), str(data.get("type") or "")
        if ref and news in ENDS:
            work = partial(_nudged, ref=ref, process=data.get("processCode"), news=news, now=self.clock())
            await self.database.write(work)
            self.dispatcher.wake()

    async def review(self, ref: str, code: str) -> None:
        """Read an instance and carry out its decision."""
        try:
            found = await workflow.read(self.api, ref)
        except DingTalkError as error:
            if error.code not in workflow.NO_SUCH_INSTANCE:
                raise
            await self._card_instead(code, ref, "deleted there")
        else:
            if found.over:
                await self._take(ref, found)

    async def _take(self, ref: str, found: Instance) -> None:
        code = found.values.get(form.CODE, "")
        ours = await self.database.write(partial(outcome.recognise, code=code, ref=ref))
        # The event can overtake the answer to our own start call.
        if ours is not None and ours.early:
            raise MessengerError("its start was not answered yet")
        if ours is None:
            log.info("an approval that we do not wait for", instance=ref, code=code)
        elif found.status == "COMPLETED":
            await self._decided(code, ref, found, ours)
        elif ours.wanted and found.revoked_by == found.originator:
            await self._ask(ref, found.originator, "request.cancel", code)
        elif ours.wanted:
            await self._card_instead(code, ref, f"revoked there by {found.revoked_by or 'somebody'}")

    async def _decided(self, code: str, ref: str, found: Instance, ours: outcome.Found) -> None:
        # The latest decision comes first. If the ledger accepts none of them, the approver is told so.
        verdict = outcome.Verdict(found.agreed)
        for act in found.decisions:
            if found.agreed:
                no = await self._ask(ref, act.user, "request.approve", code)
            else:
                reason = act.remark.strip() or str(texts.APPROVAL_NO_REMARK(ours.locale))
                no = await self._ask(ref, act.user, "request.decline", code, reason=reason)
            if no is None:
                return
            verdict = outcome.Verdict(found.agreed, f"dingtalk:{act.user}", await self._name(act.user), no)
        work = partial(outcome.not_counted, code=code, ref=ref, verdict=verdict, now=self.clock())
        await self.database.write(work)
        log.warning("a decision in DingTalk changed nothing", code=code, instance=ref, by=verdict.address)
        self.dispatcher.wake()

    async def _ask(self, ref: str, user: str, action: str, code: str, reason: str = "") -> str | None:
        """Dispatch the decision as this person.

        Returns None, or the words of the refusal; a passing refusal raises.
        """
        request = Request(
            key=f"dingtalk:oa:{ref}:{user}:{action}", push=self.clock().isoformat(),
            sender=f"dingtalk:{user}", from_form=bool(reason),
            command=Command.filled(action, code, {"reason": reason}),
        )  # fmt: skip
        answer = await self.dispatcher.handle(request)
        if not answer.refused:
            return None
        if answer.refusal is None or isinstance(answer.refusal, SOON):
            raise MessengerError(f"not now: {answer.refusal or 'something broke'}", retry_after=UNTOUCHABLE)
        return answer.message.text if isinstance(answer.message, Message) else ""

    async def _card_instead(self, code: str, ref: str, why: str) -> None:
        if await self.database.write(
            partial(outcome.set_aside, code=code, ref=ref, now=self.clock(), why=why)
        ):
            log.warning("an approval has gone, so a card instead", code=code, instance=ref, why=why)

    async def _name(self, user: str) -> str:
        try:
            return (await self.api.user(user)).name
        except DingTalkError:
            return user


def _user(address: str) -> str:
    return address.split(":", 1)[1]


def _start_of(session: Session, code: str) -> tuple[str, datetime]:
    return form.process_code(session), asked_at(session, code)


def _look_soon(session: Session, ref: str, code: str, now: datetime) -> None:
    promise_review(session, "dingtalk", ref, "found", now + timedelta(seconds=UNTOUCHABLE), code=code)


def _nudged(session: Session, ref: str, process: Any, news: str, now: datetime) -> None:
    if process and process == form.process_code(session):
        promise_review(session, "dingtalk", ref, news, now)
