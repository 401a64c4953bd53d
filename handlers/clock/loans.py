"""Asked by the clock: warn lender and borrower before an unspent loan goes back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, cast, literal
from sqlmodel import col, select

from handlers.context import Context
from handlers.lending import LOAN_WARNING
from handlers.loan_lines import loan_button
from handlers.words import texts
from models.ledger.account import Account
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member
from models.quota.loan import Loan
from models.quota.period import Period, PeriodState

PIECE = 200
"""Loans a transaction: other writers wait meanwhile."""
WARNED = "warn:"


def warn_of_returns(ctx: Context) -> bool:
    """Tell both parties once, 48 h before an unspent loan goes back."""
    period = Period.latest(ctx.session)
    if (
        period is None
        or period.state != PeriodState.OPEN
        or not period.ends_at - LOAN_WARNING <= ctx.now < period.ends_at
    ):
        return False
    some = ctx.session.exec(_unwarned(period)).all()
    for loan, unspent in some:
        if ctx.first_time(f"{WARNED}{loan.id}"):
            _warn(ctx, loan, unspent, period)
    return len(some) == PIECE


def _unwarned(period: Period) -> Any:
    """Open loans with an unspent rest whose parties were not warned."""
    mark = select(Effect.id).where(Effect.key == literal(WARNED) + cast(col(Loan.id), String))
    return (
        select(Loan, Account.balance)
        .join(Account, col(Account.id) == Loan.account_id)
        .where(
            col(Loan.closed_at).is_(None), Loan.period_id == period.id, Account.balance > 0, ~mark.exists()
        )
        .order_by(col(Loan.id))
        .limit(PIECE)
    )


def _warn(ctx: Context, loan: Loan, unspent: int, period: Period) -> None:
    lender = ctx.session.get_one(Member, loan.lender_id)
    borrower = ctx.session.get_one(Member, loan.borrower_id)
    for one, other, action in ((lender, borrower, "loan.recall"), (borrower, lender, "loan.return")):
        reader = ctx.reader_of(one)
        text = texts.LOAN_ENDS_SOON(
            reader.locale,
            amount=reader.amount(unspent),
            lender=lender.name,
            borrower=borrower.name,
            day=reader.last_day(period.ends_at),
        )
        ctx.tell(one, Message(text=text, buttons=(loan_button(reader, action, loan.id, other),)))
