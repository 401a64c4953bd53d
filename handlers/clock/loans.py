"""Job: warn both parties before an unspent loan goes back, and end loans with an end of their own."""

from __future__ import annotations

from datetime import datetime

from handlers.context import Context
from handlers.lending import LOAN_WARNING
from handlers.loan_lines import loan_button
from handlers.quota_lines import until_calls_pass
from handlers.words import texts
from handlers.words.text import one_line
from models.messages.message import Message
from models.people.member import Member
from models.quota import loan_end
from models.quota.loan import Loan
from models.quota.period import Period, PeriodState
from models.quota.wallet import wallet_of

PIECE = 200
"""Loans a transaction: other writers wait meanwhile."""


def warn_of_returns(ctx: Context) -> bool:
    """Once, 48 h before."""
    period = _open_period(ctx)
    if period is None:
        return False
    some = loan_end.ending(ctx.session, period, ctx.now, ctx.now + LOAN_WARNING, PIECE)
    for loan, unspent, ends_at in some:
        loan.warned_of(ctx.session, ends_at)
        # whoever agreed on an end that is so near was told of it then
        if loan.ends_at is None or loan.made_at <= ends_at - LOAN_WARNING:
            _warn(ctx, loan, unspent, ends_at)
    return len(some) == PIECE


def end_loans(ctx: Context) -> bool:
    if _open_period(ctx) is None:
        return False
    some = loan_end.ended(ctx.session, ctx.now, PIECE)
    for loan in some:
        if moved := loan.end(ctx.session, ctx.cause()):
            _tell_of_the_end(ctx, loan, moved)
    return len(some) == PIECE


def _open_period(ctx: Context) -> Period | None:
    period = Period.latest(ctx.session)
    return period if period is not None and period.state == PeriodState.OPEN else None


def _tell_of_the_end(ctx: Context, loan: Loan, moved: int) -> None:
    lender, borrower = _parties(ctx, loan)
    for one, text in ((lender, texts.LOAN_ENDED_YOURS), (borrower, texts.LOAN_ENDED_THEIRS)):
        reader, left = ctx.reader_of(one), wallet_of(ctx.session, one.id).available
        names = {"borrower": borrower.name} if one is lender else {"lender": lender.name}
        said = text(reader.locale, amount=reader.amount(moved), left=reader.left(left), **names)
        said = one_line([said, until_calls_pass(ctx, reader, left)], reader.locale)
        ctx.tell(one, Message(text=said))
        ctx.refresh_home(one)


def _warn(ctx: Context, loan: Loan, unspent: int, ends_at: datetime) -> None:
    lender, borrower = _parties(ctx, loan)
    for one, other, action in ((lender, borrower, "loan.recall"), (borrower, lender, "loan.return")):
        reader = ctx.reader_of(one)
        text = texts.LOAN_ENDS_SOON(
            reader.locale,
            amount=reader.amount(unspent),
            lender=lender.name,
            borrower=borrower.name,
            day=reader.last_day(ends_at),
        )
        ctx.tell(one, Message(text=text, buttons=(loan_button(reader, action, loan.id, other),)))


def _parties(ctx: Context, loan: Loan) -> tuple[Member, Member]:
    return ctx.session.get_one(Member, loan.lender_id), ctx.session.get_one(Member, loan.borrower_id)
