"""Asking a colleague to lend: ask, answer, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import select

from handlers.arguments import require_here
from handlers.context import Context, RequestContext
from handlers.lending import end_of, tell_both, with_reason
from handlers.words import texts
from handlers.words.text import listed, one_line
from models.messages.message import Button, Message, clean
from models.people.member import Member
from models.quota.ask import Ask, AskState
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
        return Message(text=texts.WHOM(reader.locale, amount=reader.amount(amount)))
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
    ctx.tell(lender, ask_card(ctx, ask, lender), about=f"ask:{ask.code}", shape="ask")
    text = texts.ASKED_TO_LEND(
        reader.locale, lender=lender.name, amount=reader.amount(amount), day=reader.moment(ask.expires_at)
    )
    withdraw = Button(
        texts.WITHDRAW_BUTTON(reader.locale), "borrow.withdraw", ask.code, typed=f"withdraw {lender.word}"
    )
    return Message(text=text, buttons=(withdraw,))


def ask_card(ctx: Context, ask: Ask, lender: Member) -> Message:
    """The lender's card, in the state of the ask."""
    reader, borrower = ctx.reader_of(lender), ctx.session.get_one(Member, ask.borrower_id)
    say, amount = reader.locale, reader.amount(ask.amount)
    if ask.state == AskState.LENT:
        return Message(
            text=texts.ASK_LENT(say, amount=amount, borrower=borrower.name, time=reader.moment(ctx.now))
        )
    if ask.state == AskState.DECLINED:
        return Message(text=texts.ASK_DECLINED(say, time=reader.moment(ctx.now)))
    if ask.state == AskState.CANCELLED:
        return Message(text=texts.ASK_WITHDRAWN(say, amount=amount, borrower=borrower.name))
    if ask.state != AskState.PENDING:
        return Message(text=texts.ASK_EXPIRED(say, amount=amount))
    text = texts.ASKS_YOU(say, borrower=borrower.name, amount=amount)
    buttons = (
        Button(
            texts.LEND_IT_BUTTON(say, amount=amount), "borrow.accept", ask.code, "primary", f"yes {ask.code}"
        ),
        Button(texts.NOT_NOW_BUTTON(say), "borrow.decline", ask.code, typed=f"no {ask.code}"),
    )
    if ask.ends_at:
        back = texts.ASKED_UNTIL(say, day=reader.last_day(ask.ends_at))
        text = one_line([text, back], say)
    return Message(
        title=texts.ASK_TITLE(say, borrower=borrower.name),
        text=with_reason(text, ask.reason),
        buttons=buttons,
    )


def accept(ctx: RequestContext, code: str) -> Message:
    ask = Ask.named(ctx.session, code, ctx.me)
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    lent = ask.lend(ctx.session, ctx.policy, ctx.cause(ask.reason))
    if lent is None:
        return Message(text=texts.ASK_CLOSED(ctx.reader.locale))
    require_here(ctx, borrower)
    # One loan is enough: the borrower's other asks end with it.
    others = Ask.withdraw_all(ctx.session, borrower, ctx.now)
    for one in (ask, *others):
        _settle(ctx, one)
    say = ctx.reader_of(borrower).locale
    more = texts.OTHERS_WITHDRAWN(say) if others else ""
    return tell_both(ctx, borrower, lent, ask.reason, more)


def not_now(ctx: RequestContext, code: str) -> Message:
    ask = Ask.named(ctx.session, code, ctx.me)
    if not ask.decline(ctx.session, ctx.now):
        return Message(text=texts.ASK_CLOSED(ctx.reader.locale))
    _settle(ctx, ask)
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    ctx.tell(
        borrower, Message(text=texts.ASK_DECLINED_TO_YOU(ctx.reader_of(borrower).locale, lender=ctx.me.name))
    )
    return Message(text=texts.ASK_DECLINED(ctx.reader.locale, time=ctx.reader.moment(ctx.now)))


def withdraw(ctx: RequestContext, lender: Member | None) -> Message:
    """Without a name, every open ask."""
    reader = ctx.reader
    ended = Ask.withdraw_all(ctx.session, ctx.me, ctx.now, lender=lender)
    if not ended:
        return Message(text=texts.NO_OPEN_ASK(reader.locale))
    return _withdrawn(ctx, ended)


def withdraw_ask(ctx: RequestContext, code: str) -> Message:
    ask = Ask.mine(ctx.session, code, ctx.me)
    if not ask.withdraw(ctx.session, ctx.now):
        return Message(text=texts.ASK_OVER(ctx.reader.locale))
    return _withdrawn(ctx, [ask])


def _withdrawn(ctx: RequestContext, ended: Sequence[Ask]) -> Message:
    for ask in ended:
        _settle(ctx, ask)
    names = [ctx.session.get_one(Member, ask.lender_id).name for ask in ended]
    say = ctx.reader.locale
    return Message(text=texts.WITHDRAWN(say, names=listed(names, say)))


def is_asked(ctx: RequestContext, code: str) -> bool:
    """Whether this CODE asks the sender to lend: a typed yes or no then answers it."""
    query = select(Ask.id).where(Ask.code == code.strip().upper(), Ask.lender_id == ctx.me.id)
    return ctx.session.exec(query).first() is not None


def _settle(ctx: RequestContext, ask: Ask) -> None:
    lender = ctx.session.get_one(Member, ask.lender_id)
    ctx.retell(f"ask:{ask.code}", lambda _, to: ask_card(ctx, ask, to or lender))


def borrow_how(ctx: RequestContext) -> Message:
    return Message(text=texts.BORROW_HOW(ctx.reader.locale))
