"""App Home: balance, open request, requests to decide, loans. Long lists are cut."""

from __future__ import annotations

from sqlmodel import col, select

from handlers.approval.cards import request_card, request_state
from handlers.balance import balance_of
from handlers.context import Reader, RequestContext
from handlers.loan_lines import loan_lines
from handlers.words import texts
from models.messages.message import Button, Message
from models.metering.quota_view import QuotaView
from models.quota.approvers import Asked
from models.quota.request import Request, open_request
from models.quota.request_state import OPEN
from models.refusal import NoPolicyYet

MOST = 8


def home(ctx: RequestContext) -> Message:
    try:
        view = ctx.view_of(ctx.me)
    except NoPolicyYet:
        return Message(title="quotabot", text=texts.HOME_NO_POLICY(ctx.reader.locale))
    top = balance_of(ctx, view)
    return Message(
        title=texts.HOME_TITLE(ctx.reader.locale),
        text=top.text,
        facts=top.facts,
        buttons=top.buttons,
        footnote=top.footnote,
        parts=(*_requests(ctx), *_loans(ctx.reader, view)),
    )


def _requests(ctx: RequestContext) -> tuple[Message, ...]:
    reader, parts = ctx.reader, []
    mine = open_request(ctx.session, ctx.me.id)
    if mine is not None:
        cancel = Button(texts.CANCEL_BUTTON(reader.locale), "request.cancel", mine.code)
        text = f"**{reader.amount(mine.amount)}** · {mine.code}\n{request_state(ctx.session, mine, reader)}"
        parts.append(Message(title=texts.HOME_OPEN_REQUEST(reader.locale), text=text, buttons=(cancel,)))
    waiting = (
        select(Request)
        .join(Asked, col(Asked.request_id) == Request.id)
        .where(Asked.member_id == ctx.me.id, col(Request.state).in_(OPEN))
        .order_by(col(Request.asked_at))
        .limit(MOST)
    )
    cards = [request_card(ctx, one, "full", ctx.me) for one in ctx.session.exec(waiting).all()]
    if cards:
        parts.append(Message(title=texts.HOME_TO_DECIDE(reader.locale), text="", parts=tuple(cards)))
    return tuple(parts)


def _loans(reader: Reader, view: QuotaView) -> tuple[Message, ...]:
    lines = loan_lines(reader, view)
    if not lines:
        return ()
    shown = tuple(Message(text=a, buttons=b) for a, b in lines[:MOST])
    if len(lines) > MOST:
        shown += (Message(text=texts.AND_MORE(reader.locale, count=len(lines) - MOST)),)
    return (Message(title=texts.LOANS_TITLE(reader.locale), text="", parts=shown),)
