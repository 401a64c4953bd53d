"""Hand one's approvals to a colleague, and take them back."""

from __future__ import annotations

from datetime import date

from sqlmodel import col, select

from handlers.context import RequestContext
from handlers.requests import bring_up_to_date
from handlers.words import texts
from handlers.words.text import listed
from models.messages.message import Button, Message
from models.people.member import Member
from models.policy.calendar import end_of_day
from models.quota import delegation
from models.quota.approvers import Asked
from models.quota.request import Request
from models.quota.request_state import OPEN
from models.refusal import BadDate, WrongUsage


def delegate(ctx: RequestContext, to: Member, until: date | None) -> Message:
    if until is None or to.id == ctx.me.id:
        raise WrongUsage("delegate")
    ends = end_of_day(until, ctx.reader.zone)
    if ends <= ctx.now:
        raise BadDate(until.isoformat())
    replaced = delegation.delegate(ctx.session, ctx.me, to, ends, ctx.now)
    theirs, mine = ctx.reader_of(to), ctx.reader
    told = texts.DELEGATED_TO_YOU(theirs.locale, name=ctx.me.name, day=theirs.last_day(ends))
    ctx.tell(to, Message(text=told))
    _tell_ended(ctx, replaced)
    _bring_up_to_date(ctx)
    text = texts.DELEGATED(mine.locale, name=to.name, day=mine.last_day(ends))
    if replaced:
        names = listed([one.name for one in replaced], mine.locale)
        text = texts.DELEGATED_INSTEAD(mine.locale, name=to.name, day=mine.last_day(ends), before=names)
    button = Button(texts.UNDELEGATE_BUTTON(mine.locale), "delegate.end", typed="undelegate")
    return Message(text=text, buttons=(button,))


def undelegate(ctx: RequestContext, _: str = "") -> Message:
    ended = delegation.undelegate(ctx.session, ctx.me, ctx.now)
    say = ctx.reader.locale
    if not ended:
        return Message(text=texts.NOTHING_DELEGATED(say))
    _tell_ended(ctx, ended)
    _bring_up_to_date(ctx)
    return Message(text=texts.UNDELEGATED(say, name=listed([one.name for one in ended], say)))


def _tell_ended(ctx: RequestContext, ended: list[Member]) -> None:
    for one in ended:
        ctx.tell(one, Message(text=texts.DELEGATION_ENDED(ctx.reader_of(one).locale, name=ctx.me.name)))


def _bring_up_to_date(ctx: RequestContext) -> None:
    # Requests that wait for the sender, or for their delegate.
    waiting = (
        select(Request)
        .join(Asked, col(Asked.request_id) == Request.id)
        .where(Asked.for_id == ctx.me.id, col(Request.state).in_(OPEN))
        .distinct()
    )
    for one in ctx.session.exec(waiting.order_by(col(Request.id))).all():
        bring_up_to_date(ctx, one)
