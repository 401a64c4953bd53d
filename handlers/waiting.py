"""Open decisions of the sender, their own open asks, and reminders to approvers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from handlers import deciding, emergency
from handlers.approval import cards
from handlers.context import RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import Button, Message
from models.people.member import Member
from models.quota import approvers
from models.quota.ask import Ask, AskState
from models.quota.queue import Waiting, waiting_for
from models.quota.request import Request, find, open_request
from models.quota.request_state import OPEN, RequestState
from models.quota.search import Search
from models.refusal import UnknownCode

MOST = 8


def pending(ctx: RequestContext) -> Message:
    say, parts, waiting = ctx.reader.locale, [], waiting_for(ctx.session, ctx.policy, ctx.me.id, ctx.now)
    mine, own = [*_to_decide(ctx, waiting), *_to_lend(ctx)], _own(ctx)
    if mine:
        every = deciding.all_button(ctx.reader, waiting[:MOST])
        parts.append(Message(title=texts.PENDING_FOR_YOU(say), text="", parts=tuple(mine[:MOST])))
        parts += [Message(text=texts.ALL_AT_ONCE(say), buttons=every)] if every else []
    if len(mine) > MOST:
        parts.append(Message(text=texts.AND_MORE(say, count=len(mine) - MOST)))
    if own:
        parts.append(Message(title=texts.PENDING_YOURS(say), text="", parts=tuple(own)))
    if not parts:
        return Message(text=texts.NOTHING_PENDING(say))
    return Message(title=texts.PENDING_TITLE(say), text="", parts=tuple(parts))


def _to_decide(ctx: RequestContext, waiting: Sequence[Waiting]) -> list[Message]:
    return [
        Message(
            text=deciding.line(ctx, ctx.reader, one.request),
            buttons=cards.request_card(ctx, one.request, "full", ctx.me).buttons,
        )
        for one in waiting
    ]


def _to_lend(ctx: RequestContext) -> list[Message]:
    reader, say = ctx.reader, ctx.reader.locale
    return [
        Message(
            text=texts.PENDING_ASK(
                say,
                name=ctx.session.get_one(Member, one.borrower_id).name,
                amount=reader.amount(one.amount),
                time=reader.moment(one.expires_at),
            ),
            buttons=(
                Button(
                    texts.LEND_IT_BUTTON(say, amount=reader.amount(one.amount)),
                    "borrow.accept",
                    one.code,
                    "primary",
                    f"yes {one.code}",
                ),
                Button(texts.NOT_NOW_BUTTON(say), "borrow.decline", one.code, typed=f"no {one.code}"),
            ),
        )
        for one in _asks(ctx, to_me=True)
    ]


def _own(ctx: RequestContext) -> list[Message]:
    reader, say, found = ctx.reader, ctx.reader.locale, []
    if (mine := open_request(ctx.session, ctx.me.id)) is not None:
        text = f"**{reader.amount(mine.amount)}** · {mine.code}\n{cards.request_state(ctx.session, mine, reader)}"
        cancel = Button(
            texts.CANCEL_BUTTON(say), "request.cancel", mine.code, "danger", f"cancel {mine.code}"
        )
        nudge = Button(texts.NUDGE_BUTTON(say), "request.nudge", mine.code, typed=f"nudge {mine.code}")
        with_nudge = (
            (nudge, *emergency.button(ctx), cancel) if mine.state == RequestState.PENDING else (cancel,)
        )
        found.append(Message(text=SafeText(text), buttons=with_nudge))
    for around in Search.open_of(ctx.session, ctx.me):
        withdraw = Button(texts.WITHDRAW_BUTTON(say), "borrow.withdraw", around.code, typed="withdraw")
        text = texts.PENDING_SEARCH(say, amount=reader.amount(around.amount))
        found.append(Message(text=text, buttons=(withdraw,)))
    for one in (ask for ask in _asks(ctx, to_me=False) if not ask.search_id):
        name = ctx.session.get_one(Member, one.lender_id).name
        facts = {"amount": reader.amount(one.amount), "time": reader.moment(one.expires_at)}
        found.append(Message(text=texts.PENDING_OWN_ASK(say, name=name, **facts)))
    return found


def _asks(ctx: RequestContext, *, to_me: bool) -> list[Ask]:
    who = Ask.lender_id if to_me else Ask.borrower_id
    query = select(Ask).where(who == ctx.me.id, Ask.state == AskState.PENDING, col(Ask.expires_at) > ctx.now)
    return list(ctx.session.exec(query.order_by(col(Ask.id))).all())


def nudge(ctx: RequestContext, code: str = "") -> Message:
    # Once a day for each request.
    found = find(ctx.session, code, ctx.me) if code else open_request(ctx.session, ctx.me.id)
    say = ctx.reader.locale
    if found is None:
        return Message(text=texts.NOTHING_TO_NUDGE(say))
    if found.member_id != ctx.me.id:
        raise UnknownCode(found.code)
    if found.state not in OPEN:
        raise found.already_decided(ctx.session)
    today = approvers.entries_today(ctx.session, ctx.policy, found.id, found.member_id, ctx.now)
    deciders = [ctx.session.get_one(Member, one) for one in today]
    if not deciders:
        return Message(text=texts.NOBODY_TO_NUDGE(say, code=SafeText(found.code)))
    day = ctx.now.astimezone(ctx.reader.zone).date()
    if not ctx.first_time(f"{found.about}:nudge:{day}"):
        return Message(text=texts.NUDGED_TODAY(say, code=SafeText(found.code)))
    for one in deciders:
        _remind(ctx, found, one)
    names = listed([one.name for one in deciders], say)
    return Message(
        text=texts.NUDGED(say, name=names, code=SafeText(found.code)), buttons=emergency.button(ctx)
    )


def _remind(ctx: RequestContext, request: Request, to: Member) -> None:
    reader = ctx.reader_of(to)
    facts = {"name": ctx.me.name, "amount": reader.amount(request.amount), "code": SafeText(request.code)}
    card = cards.request_card(ctx, request, "full", to)
    text = texts.NUDGE(reader.locale, **facts)
    ctx.tell(to, Message(text=text, buttons=card.buttons), about=request.about, shape="full")
