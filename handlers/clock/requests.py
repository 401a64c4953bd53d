"""Job: remind approvers of open requests, ask the next one, expire. Time alone never approves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from handlers import deciding, rerouting
from handlers.approval import cards, outcome
from handlers.context import Context
from handlers.requests import settle, tell_asked
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.approval import approval_form, approvals, lacks_card
from models.messages.message import Button, Message
from models.people.member import Member
from models.policy.calendar import awake_between
from models.quota import approvers
from models.quota.approvers import Asked
from models.quota.queue import waiting_for
from models.quota.request import Request
from models.quota.request_state import OPEN, RequestState


def requests_due(ctx: Context) -> bool:
    # Only time outside the approver's quiet hours counts.
    has_form = approval_form(ctx.session) is not None
    for request in ctx.session.exec(
        select(Request).where(col(Request.state).in_(OPEN)).order_by(col(Request.id)).with_for_update()
    ).all():
        if has_form:
            _mind_approval(ctx, request)
        _one_request(ctx, request)
    return False


def reroute(session: Session, moved: Collection[int | None], now: datetime) -> None:
    """Ask the right approvers at once, and settle the cards of the others, for people whose manager or team changed.

    Their reports' requests may have gone to a manager above; these follow within the minute of `requests_due`.
    """
    if not moved:
        return
    mine = col(Request.member_id).in_(moved), col(Request.state).in_(OPEN)
    for request in session.exec(select(Request).where(*mine).order_by(col(Request.id))).all():
        ctx = Context.of(session, now, f"moved:{request.code}:{now.isoformat()}")
        if ctx is not None:
            _one_request(ctx, request)


def _mind_approval(ctx: Context, request: Request) -> None:
    # An event may be lost; an approval that was set aside makes way for cards.
    outcome.look_again(ctx, request)
    if lacks_card(ctx.session, request.about):
        tell_asked(ctx, request)


def _one_request(ctx: Context, request: Request) -> None:
    times = ctx.policy.requests
    asked = sorted(approvers.entries(ctx.session, request.id), key=lambda one: (one.asked_at, one.why))
    first = ctx.session.get(Member, asked[0].member_id) if asked else None
    if _awake(ctx, request.asked_at, first) >= times.expire_after:
        _expire(ctx, request)
        return
    today = approvers.entries_today(ctx.session, ctx.policy, request.id, request.member_id, ctx.now)
    absent = rerouting.absent(ctx, request, asked, today)
    latest = max((one.asked_at for one in asked if one.member_id == one.for_id), default=None)
    if request.state == RequestState.UNROUTABLE or absent:
        rerouting.replace(ctx, request, absent)
    elif latest is None or _awake(ctx, latest, first) >= times.escalate_after:
        rerouting.escalate(ctx, request)
    else:
        for one in asked:
            who = ctx.session.get_one(Member, one.member_id)
            due = one.reminded_at is None and _awake(ctx, one.asked_at, who) >= times.remind_after
            if due and one.member_id in today:
                _remind(ctx, request, one, who)
    rerouting.refresh(ctx, request)


def _awake(ctx: Context, since: datetime, who: Member | None) -> timedelta:
    zone = who.zone(ctx.policy.timezone) if who else ctx.policy.zone
    return awake_between(since, ctx.now, ctx.policy.quiet, zone)


def _expire(ctx: Context, request: Request) -> None:
    if not request.expire(ctx.session, ctx.cause()):
        return
    requester = ctx.session.get_one(Member, request.member_id)
    reader = ctx.reader_of(requester)
    text = texts.EXPIRED(reader.locale, amount=reader.amount(request.amount), code=SafeText(request.code))
    again = Button(texts.ASK_AGAIN_BUTTON(reader.locale), "request.open", typed="request")
    ctx.tell(requester, Message(text=text, buttons=(again,)))
    settle(ctx, request)


def _remind(ctx: Context, request: Request, asked: Asked, who: Member) -> None:
    asked.mark_reminded(ctx.session, ctx.now)
    waiting = waiting_for(ctx.session, ctx.policy, who.id, ctx.now)
    if len(waiting) > deciding.FEW and not approvals(ctx.session, request.about):
        for one in waiting:
            approvers.mark_reminded(ctx.session, one.request.id, who.id, ctx.now)
        ctx.tell(who, deciding.digest(ctx, who, waiting))
        return
    reader, name = ctx.reader_of(who), ctx.session.get_one(Member, request.member_id).name
    text = texts.REMINDER(
        reader.locale, name=name, amount=reader.amount(request.amount), code=SafeText(request.code)
    )
    if approvals(ctx.session, request.about):
        where = texts.APPROVAL_REMINDER(reader.locale, code=SafeText(request.code))
        ctx.tell(who, Message(text=SafeText(f"{text}\n{where}")))
        return
    card = cards.request_card(ctx, request, "full", who)
    ctx.tell(who, Message(text=text, buttons=card.buttons), about=request.about, shape="full")
