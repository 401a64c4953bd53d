"""Asking a colleague to lend: ask, answer, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import select

from handlers import searching
from handlers.arguments import require_here
from handlers.ask_card import send_card, settle_card
from handlers.context import RequestContext
from handlers.lending import end_of, tell_both
from handlers.words import texts
from handlers.words.text import listed
from models.messages.message import Button, Message, clean
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.search import Search
from models.refusal import WrongUsage


def borrow(
    ctx: RequestContext,
    lender: Member | None,
    amount: int | None,
    reason: str = "",
    until: date | None = None,
) -> Message:
    reader = ctx.reader
    if amount is None:
        raise WrongUsage("borrow")
    if lender is None:
        return searching.search(ctx, amount, reason, until)
    ask = Ask.make(
        ctx.session,
        borrower=ctx.me,
        lender=lender,
        amount=amount,
        reason=clean(reason),
        policy=ctx.policy,
        now=ctx.now,
        ends_at=end_of(ctx, until),
    )
    send_card(ctx, ask, lender)
    text = texts.ASKED_TO_LEND(
        reader.locale, lender=lender.name, amount=reader.amount(amount), day=reader.moment(ask.expires_at)
    )
    withdraw = Button(
        texts.WITHDRAW_BUTTON(reader.locale), "borrow.withdraw", ask.code, typed=f"withdraw {lender.word}"
    )
    return Message(text=text, buttons=(withdraw,))


def accept(ctx: RequestContext, code: str) -> Message:
    ask = Ask.named(ctx.session, code, ctx.me)
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    lent = ask.lend(ctx.session, ctx.policy, ctx.cause(ask.reason))
    if lent is None:
        return Message(text=texts.ASK_CLOSED(ctx.reader.locale))
    require_here(ctx, borrower)
    # One loan is enough: the borrower's other asks end with it.
    others = Ask.withdraw_all(ctx.session, borrower, ctx.now)
    Search.end_all_of(ctx.session, borrower, ctx.now)
    for one in (ask, *others):
        settle_card(ctx, one)
    say = ctx.reader_of(borrower).locale
    more = texts.OTHERS_WITHDRAWN(say) if others else ""
    return tell_both(ctx, borrower, lent, ask.reason, more)


def not_now(ctx: RequestContext, code: str) -> Message:
    ask = Ask.named(ctx.session, code, ctx.me)
    if not ask.decline(ctx.session, ctx.now):
        return Message(text=texts.ASK_CLOSED(ctx.reader.locale))
    settle_card(ctx, ask)
    if not searching.after_no(ctx, ask):
        borrower = ctx.session.get_one(Member, ask.borrower_id)
        say = ctx.reader_of(borrower).locale
        ctx.tell(borrower, Message(text=texts.ASK_DECLINED_TO_YOU(say, lender=ctx.me.name)))
    return Message(text=texts.ASK_DECLINED(ctx.reader.locale, time=ctx.reader.moment(ctx.now)))


def withdraw(ctx: RequestContext, lender: Member | None) -> Message:
    """Without a name, every open ask."""
    reader = ctx.reader
    around = lender is None and searching.withdraw_search(ctx, ctx.me)
    ended = Ask.withdraw_all(ctx.session, ctx.me, ctx.now, lender=lender)
    if not ended and not around:
        return Message(text=texts.NO_OPEN_ASK(reader.locale))
    return _withdrawn(ctx, ended)


def withdraw_ask(ctx: RequestContext, code: str) -> Message:
    found = Search.coded(ctx.session, code, ctx.me)
    if found is not None:
        over = found.ended_at is not None or not searching.withdraw_search(ctx, ctx.me)
        return Message(text=texts.ASK_OVER(ctx.reader.locale)) if over else _withdrawn(ctx, [])
    ask = Ask.mine(ctx.session, code, ctx.me)
    if not ask.withdraw(ctx.session, ctx.now):
        return Message(text=texts.ASK_OVER(ctx.reader.locale))
    return _withdrawn(ctx, [ask])


def _withdrawn(ctx: RequestContext, ended: Sequence[Ask]) -> Message:
    for ask in ended:
        settle_card(ctx, ask)
    names = [ctx.session.get_one(Member, ask.lender_id).name for ask in ended]
    say = ctx.reader.locale
    if not names:
        return Message(text=texts.SEARCH_WITHDRAWN(say))
    return Message(text=texts.WITHDRAWN(say, names=listed(names, say)))


def is_asked(ctx: RequestContext, code: str) -> bool:
    """Whether this CODE asks the sender to lend: a typed yes or no then answers it."""
    query = select(Ask.id).where(Ask.code == code.strip().upper(), Ask.lender_id == ctx.me.id)
    return ctx.session.exec(query).first() is not None


def borrow_how(ctx: RequestContext) -> Message:
    return Message(text=texts.BORROW_HOW(ctx.reader.locale))
