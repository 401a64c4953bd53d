"""Asked by the clock about open requests: remind, ask the next approver, let them expire. Nothing ends in a yes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select

from handlers.approval import cards, oa, oa_form
from handlers.context import Context
from handlers.requests import settle, tell_asked
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Button, Message
from models.messages.outbox import unreached
from models.people.member import Member
from models.policy.calendar import awake_between
from models.quota import approvers
from models.quota.approvers import Asked
from models.quota.request import Request
from models.quota.request_state import OPEN, RequestState


def requests_due(ctx: Context) -> bool:
    """Remind, ask the next one, end: only time outside the approver's quiet hours counts. Nothing ends in a yes."""
    on_forms = bool(oa_form.process_code(ctx.session))
    for request in ctx.session.exec(
        select(Request).where(col(Request.state).in_(OPEN)).order_by(col(Request.id)).with_for_update()
    ).all():
        if on_forms:
            _mind_form(ctx, request)
        _one_request(ctx, request)
    return False


def _mind_form(ctx: Context, request: Request) -> None:
    """Look after a form that nothing was heard of; where it was set aside, the cards go out."""
    oa.look_again(ctx, request)
    if oa_form.fell_through(ctx.session, request):
        tell_asked(ctx, request)


def _one_request(ctx: Context, request: Request) -> None:
    times = ctx.policy.requests
    asked = sorted(approvers.entries(ctx.session, request.id), key=lambda one: (one.asked_at, one.why))
    first = ctx.session.get(Member, asked[0].member_id) if asked else None
    if _awake(ctx, request.asked_at, first) >= times.expire_after:
        _expire(ctx, request)
    elif (
        not asked
        or _awake(ctx, asked[-1].asked_at, first) >= times.escalate_after
        or _nobody_left(ctx, request, asked)
    ):
        _pass_on(ctx, request)
    else:
        for one in asked:
            who = ctx.session.get_one(Member, one.member_id)
            if one.reminded_at is None and _awake(ctx, one.asked_at, who) >= times.remind_after:
                _remind(ctx, request, one, who)


def _awake(ctx: Context, since: datetime, who: Member | None) -> timedelta:
    zone = who.zone(ctx.policy.timezone) if who else ctx.policy.zone
    return awake_between(since, ctx.now, ctx.policy.quiet, zone)


def _nobody_left(ctx: Context, request: Request, asked: list[Asked]) -> bool:
    """Whether all who were asked have left, are no longer in the chain, or cannot be written to."""
    today = {one.member.id for one in approvers.chain(ctx.session, ctx.policy, request.member_id, ctx.now)}
    deaf = unreached(ctx.session, request.about)
    return not any(one.for_id in today and one.member_id not in deaf for one in asked)


def _expire(ctx: Context, request: Request) -> None:
    if not request.expire(ctx.session, ctx.cause()):
        return
    requester = ctx.session.get_one(Member, request.member_id)
    reader = ctx.reader_of(requester)
    text = texts.EXPIRED(reader.locale, amount=reader.amount(request.amount), code=SafeText(request.code))
    again = Button(texts.ASK_AGAIN_BUTTON(reader.locale), "request.open", typed="request")
    ctx.tell(requester, Message(text=text, buttons=(again,)))
    settle(ctx, request)


def _pass_on(ctx: Context, request: Request) -> None:
    """Ask one more; whoever was asked before can still decide while they are in the chain."""
    before = request.state
    found = request.ask_next(ctx.session, ctx.policy, ctx.now)
    if found is None:
        return
    tell_asked(ctx, request)
    ctx.retell(request.about, lambda shape, to: cards.request_card(ctx, request, shape, to))
    if before == RequestState.PENDING:
        requester = ctx.session.get_one(Member, request.member_id)
        say = ctx.reader_of(requester).locale
        text = texts.ESCALATED(say, code=SafeText(request.code), approver=found.member.name)
        ctx.tell(requester, Message(text=text))


def _remind(ctx: Context, request: Request, asked: Asked, who: Member) -> None:
    asked.reminded_at = ctx.now
    ctx.session.add(asked)
    reader, name = ctx.reader_of(who), ctx.session.get_one(Member, request.member_id).name
    text = texts.REMINDER(
        reader.locale, name=name, amount=reader.amount(request.amount), code=SafeText(request.code)
    )
    if oa_form.forms(ctx.session, request):
        where = texts.OA_REMINDER(reader.locale, code=SafeText(request.code))
        ctx.tell(who, Message(text=SafeText(f"{text}\n{where}")))
        return
    card = cards.request_card(ctx, request, "full", who)
    ctx.tell(who, Message(text=text, buttons=card.buttons), about=request.about, shape="full")
