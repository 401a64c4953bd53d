"""Job: end asks to borrow that nobody answered."""

from __future__ import annotations

from handlers.asking import ask_card
from handlers.context import Context
from handlers.words import texts
from models.messages.message import Message
from models.people.member import Member
from models.quota.ask import Ask


def end_asks(ctx: Context) -> bool:
    for ask in Ask.due(ctx.session, ctx.now):
        if ask.expire(ctx.session, ctx.now):
            tell_of_the_end(ctx, ask)
    return False


def tell_of_the_end(ctx: Context, ask: Ask) -> None:
    """Show the end on the lender's card, and tell the borrower."""
    show_the_end(ctx, ask)
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    reader = ctx.reader_of(borrower)
    ctx.tell(borrower, Message(text=texts.ASK_EXPIRED(reader.locale, amount=reader.amount(ask.amount))))


def show_the_end(ctx: Context, ask: Ask) -> None:
    lender = ctx.session.get_one(Member, ask.lender_id)
    ctx.retell(f"ask:{ask.code}", lambda _, to: ask_card(ctx, ask, to or lender))
