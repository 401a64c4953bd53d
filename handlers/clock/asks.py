"""Job: end asks to borrow that nobody answered."""

from __future__ import annotations

from handlers import searching
from handlers.ask_card import settle_card
from handlers.context import Context
from handlers.words import texts
from models.messages.message import Message
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.period import Period, PeriodState
from models.quota.search import Search


def end_asks(ctx: Context) -> bool:
    for ask in Ask.due(ctx.session, ctx.now):
        if ask.expire(ctx.session, ctx.now):
            tell_of_the_end(ctx, ask)
    return False


def ask_around(ctx: Context) -> bool:
    """After ten minutes of silence the next teammate is asked; the borrower hears when nobody is left."""
    period = Period.latest(ctx.session)
    if period is not None and period.state == PeriodState.OPEN:
        for found in Search.due(ctx.session, ctx.now):
            searching.go_on(ctx, found)
    return False


def tell_of_the_end(ctx: Context, ask: Ask) -> None:
    """Show the end on the lender's card, and tell the borrower, or go on asking around."""
    settle_card(ctx, ask)
    if searching.after_no(ctx, ask):
        return
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    reader = ctx.reader_of(borrower)
    ctx.tell(borrower, Message(text=texts.ASK_EXPIRED(reader.locale, amount=reader.amount(ask.amount))))
