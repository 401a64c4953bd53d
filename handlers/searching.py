"""Asking whoever can spare it: teammates in private, one after the other's silence."""

from __future__ import annotations

from datetime import date
from itertools import islice

from handlers.ask_card import send_card, settle_card
from handlers.context import Context, RequestContext
from handlers.lending import end_of
from handlers.words import texts
from handlers.words.text import listed
from models.messages.message import Button, Message, clean
from models.messages.tally import count_message
from models.metering.spare import has_teammates, who_can_spare
from models.people.member import Member
from models.quota.ask import Ask, AskState
from models.quota.search import MOST_ASKED, Search
from models.refusal import Refusal


def search(ctx: RequestContext, amount: int, reason: str, until: date | None) -> Message:
    """The answer is the same whether or not somebody can spare it: it tells nothing of the team."""
    reader, say = ctx.reader, ctx.reader.locale
    if not has_teammates(ctx.session, ctx.me):
        return Message(text=texts.NO_TEAMMATES(say, amount=reader.amount(amount)))
    withdraw_search(ctx, ctx.me)
    found = Search.begin(
        ctx.session, borrower=ctx.me, amount=amount, reason=clean(reason), policy=ctx.policy, now=ctx.now,
        ends_at=end_of(ctx, until),
    )  # fmt: skip
    _ask_next(ctx, found)
    withdraw = Button(texts.WITHDRAW_BUTTON(say), "borrow.withdraw", found.code, typed="withdraw")
    return Message(text=texts.SEARCHING(say, amount=reader.amount(amount)), buttons=(withdraw,))


def who_needs(ctx: RequestContext) -> Message:
    """Put the sender's own name forward: cards of up to three teammates who look for a lender."""
    say = ctx.reader.locale
    searches = Search.of_teammates(ctx.session, ctx.me, ctx.now)
    if asks := list(islice(filter(None, (_volunteer(ctx, one) for one in searches)), MOST_ASKED)):
        names = [ctx.session.get_one(Member, one.borrower_id).name for one in asks]
        return Message(text=texts.THESE_NEED(say, names=listed(names, say)))
    lend = Button(texts.LEND_BUTTON(say), "lend.open", typed="lend")
    return Message(text=texts.NOBODY_NEEDS(say), buttons=(lend,) if ctx.policy.lending.enabled else ())


def _volunteer(ctx: RequestContext, found: Search) -> Ask | None:
    # Somebody who was asked already has the card. Who said no may change their mind only by `lend`.
    mine = [one for one in found.asked(ctx.session) if one.lender_id == ctx.me.id]
    if mine:
        return mine[0] if mine[0].state == AskState.PENDING else None
    try:
        ask = found.ask(ctx.session, ctx.me, ctx.policy, ctx.now)
    except Refusal:  # what the borrower may borrow has changed, or the sender muted them
        return None
    if ask is not None:
        send_card(ctx, ask, ctx.me)
    return ask


def withdraw_search(ctx: Context, borrower: Member) -> bool:
    """End what the borrower asked around; every card of it settles. False when there was nothing."""
    ended = Search.end_all_of(ctx.session, borrower, ctx.now)
    for one in ended:
        for ask in one.asked(ctx.session):
            if ask.withdraw(ctx.session, ctx.now):
                settle_card(ctx, ask)
    return bool(ended)


def go_on(ctx: Context, found: Search) -> None:
    """After a silence or a no: ask the next one. When nobody is left to say yes, the borrower hears it once."""
    if found.next_at is not None and found.expires_at > ctx.now:
        try:
            _ask_next(ctx, found)
        except Refusal:  # what the borrower may borrow has changed since
            found.ask(ctx.session, None, ctx.policy, ctx.now)
    if found.is_over(ctx.session, ctx.now) and found.end(ctx.session, ctx.now):
        _tell_over(ctx, found)


def after_no(ctx: Context, ask: Ask) -> bool:
    """Whether the ask belongs to a search, which goes on without a word to its borrower."""
    found = ctx.session.get(Search, ask.search_id) if ask.search_id else None
    if found is not None and found.ended_at is None:
        go_on(ctx, found)
    return found is not None


def _ask_next(ctx: Context, found: Search) -> None:
    borrower = ctx.session.get_one(Member, found.borrower_id)
    asked = {one.lender_id for one in found.asked(ctx.session)}
    lender = who_can_spare(ctx.session, borrower, found.amount, ctx.policy, ctx.now, asked)
    ask = found.ask(ctx.session, lender, ctx.policy, ctx.now)
    if ask is not None and lender is not None:
        if not isinstance(ctx, RequestContext) or not ctx.counts:  # by the clock, or after a no
            count_message(ctx.session, borrower.id, lender.id, ctx.now)
        send_card(ctx, ask, lender)


def _tell_over(ctx: Context, found: Search) -> None:
    borrower = ctx.session.get_one(Member, found.borrower_id)
    reader = ctx.reader_of(borrower)
    request = Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request")
    text = texts.SEARCH_OVER(reader.locale, amount=reader.amount(found.amount))
    ctx.tell(borrower, Message(text=text, buttons=(request,)))
