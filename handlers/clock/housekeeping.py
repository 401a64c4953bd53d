"""Asked by the clock: the period turns, asks, grants and loans end, old receipts go.

Every function does one piece in the caller's transaction and says whether there is more to do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, literal
from sqlmodel import Session, col, select, update

from handlers.approval import cards
from handlers.context import Context
from handlers.lending import LOAN_WARNING, ask_card
from handlers.requests import settle
from handlers.words import texts
from handlers.words.text import SafeText
from models.ledger.account import Account, AccountKind
from models.ledger.transfer import Kind, Transfer
from models.messages.message import Message
from models.messages.outbox import Effect
from models.messages.receipt import forget_old
from models.people.member import Member, lock_members
from models.policy import versions
from models.quota.ask import Ask
from models.quota.grant import end_grant
from models.quota.loan import Loan
from models.quota.period import Period
from models.quota.policy_change import move_on
from models.quota.request import Request

PIECE = 200
"""Grants or loans a transaction: a team's may end all at once, and others wait for the writer meanwhile."""
WARNED = "warn:"


def turn(ctx: Context) -> bool:
    """Put a staged policy in force, close the period whose time is over, open the next: a piece at a time, in order."""
    return move_on(ctx.session, ctx.now)


def end_asks(ctx: Context) -> bool:
    """An ask to borrow ends after a day or at the close."""
    over = select(Ask).where(Ask.state == "pending", Ask.expires_at <= ctx.now)
    for ask in ctx.session.exec(over).all():
        changed = ctx.session.execute(
            update(Ask)
            .where(col(Ask.id) == ask.id, col(Ask.state) == "pending")
            .values(state="expired", decided_at=ctx.now)
        )
        ctx.session.refresh(ask)
        if changed.rowcount:  # type: ignore[attr-defined]
            _tell_ask_is_over(ctx, ask)
    return False


def _tell_ask_is_over(ctx: Context, ask: Ask) -> None:
    lender, borrower = (
        ctx.session.get_one(Member, ask.lender_id),
        ctx.session.get_one(Member, ask.borrower_id),
    )
    ctx.retell(f"ask:{ask.code}", lambda _, to: ask_card(ctx, ask, to or lender))
    reader = ctx.reader_of(borrower)
    ctx.tell(borrower, Message(text=texts.ASK_EXPIRED(reader.locale, amount=reader.amount(ask.amount))))


def show_leaving(session: Session, leaver: Member, now: datetime) -> None:
    """What somebody's leaving has ended just now is over on every card, and who waited for them hears of it."""
    current = versions.current(session)
    if current is None:
        return
    ctx = Context(
        session=session,
        now=now,
        key=f"left:{leaver.id}:{now.isoformat()}",
        version=current[0],
        policy=current[1],
    )
    void = select(Request).where(
        Request.member_id == leaver.id, Request.state == "void", Request.decided_at == now
    )
    for request in session.exec(void).all():
        settle(ctx, request)
    theirs = (col(Ask.borrower_id) == leaver.id) | (col(Ask.lender_id) == leaver.id)
    for ask in session.exec(select(Ask).where(theirs, Ask.state == "expired", Ask.decided_at == now)).all():
        _tell_ask_is_over(ctx, ask)


def end_grants(ctx: Context) -> bool:
    """A top-up whose last day is over gives back what is unspent. At a close that is the close's affair."""
    period = Period.held(ctx.session)
    if period is None or period.state != "open" or ctx.now >= period.ends_at:
        return False
    over = select(Account).where(
        Account.kind == AccountKind.TOP_UP, Account.balance > 0, col(Account.ends_at) <= ctx.now
    )
    some = ctx.session.exec(over.order_by(col(Account.id)).limit(PIECE)).all()
    for account in some:
        lock_members(ctx.session, [account.member_id or 0])
        unspent = end_grant(ctx.session, account, ctx.cause())
        member = ctx.session.get_one(Member, account.member_id)
        reader = ctx.reader_of(member)
        facts = {"what": _name_of(ctx, account), "amount": reader.amount(unspent)}
        ctx.tell(member, Message(text=texts.GRANT_ENDED(reader.locale, **facts)))
    return len(some) == PIECE


def _name_of(ctx: Context, account: Account) -> str:
    """What somebody knows a top-up by: the CODE of their request, or what an admin gave it for."""
    request = ctx.session.get(Request, account.request_id) if account.request_id else None
    if request is not None:
        return SafeText(request.code)
    given = select(Transfer.reason).where(Transfer.target_id == account.id, Transfer.kind == Kind.GRANT)
    why = ctx.session.exec(given.order_by(col(Transfer.id)).limit(1)).first()
    return f"“{why}”" if why else ""


def warn_of_returns(ctx: Context) -> bool:
    """Both parties hear of an unspent loan 48 h before it goes back, once."""
    period = Period.latest(ctx.session)
    if (
        period is None
        or period.state != "open"
        or not period.ends_at - LOAN_WARNING <= ctx.now < period.ends_at
    ):
        return False
    some = ctx.session.exec(_unwarned(period)).all()
    for loan, unspent in some:
        if ctx.first_time(f"{WARNED}{loan.id}"):
            _warn(ctx, loan, unspent, period)
    return len(some) == PIECE


def _unwarned(period: Period) -> Any:
    """Loans of which something is unspent, and their parties have not heard."""
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
    lender, borrower = (
        ctx.session.get_one(Member, loan.lender_id),
        ctx.session.get_one(Member, loan.borrower_id),
    )
    for one, other, action in ((lender, borrower, "loan.recall"), (borrower, lender, "loan.return")):
        reader = ctx.reader_of(one)
        text = texts.LOAN_ENDS_SOON(
            reader.locale,
            amount=reader.amount(unspent),
            lender=lender.name,
            borrower=borrower.name,
            day=reader.last_day(period.ends_at),
        )
        ctx.tell(one, Message(text=text, buttons=(cards.loan_button(reader, action, loan.id, other),)))


def tidy(ctx: Context) -> bool:
    """Once a day: old receipts go, a staged policy is looked at."""
    forget_old(ctx.session, ctx.now)
    return versions.current(ctx.session) is None
