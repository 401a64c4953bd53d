"""The card on which a colleague is asked to lend."""

from __future__ import annotations

from handlers.context import Context
from handlers.words import texts
from handlers.words.text import SafeText, one_line, with_reason
from models.messages.message import Button, Message
from models.people.member import Member
from models.quota.ask import Ask, AskState
from models.quota.search import Search


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
    if ask.search_id:
        text = one_line([text, texts.ASKED_AROUND(say, borrower=borrower.name)], say)
    if ask.ends_at:
        back = texts.ASKED_UNTIL(say, day=reader.last_day(ask.ends_at))
        text = one_line([text, back], say)
    return Message(
        title=texts.ASK_TITLE(say, borrower=borrower.name),
        text=with_reason(text, ask.reason),
        buttons=buttons,
    )


def send_card(ctx: Context, ask: Ask, lender: Member) -> None:
    ctx.tell(lender, ask_card(ctx, ask, lender), about=f"ask:{ask.code}", shape="ask")


def settle_card(ctx: Context, ask: Ask) -> None:
    """Every copy shows what became of the ask."""
    lender = ctx.session.get_one(Member, ask.lender_id)
    ctx.retell(f"ask:{ask.code}", lambda _, to: ask_card(ctx, ask, to or lender))


def withdraw_covered(ctx: Context, borrower: Member, granted: int) -> SafeText:
    """A grant meets the need: asks for no more than that end, and the sentence for the borrower says so."""
    ended = [one for one in Ask.waiting(ctx.session, borrower, ctx.now) if one.amount <= granted]
    around = [one for one in Search.open_of(ctx.session, borrower) if one.amount <= granted]
    done = [one for one in ended if one.withdraw(ctx.session, ctx.now)]
    for ask in done:
        settle_card(ctx, ask)
    over = [one for one in around if one.end(ctx.session, ctx.now)]
    return texts.OTHERS_WITHDRAWN(ctx.reader_of(borrower).locale) if done or over else SafeText("")
