"""A member leaves or comes back: settle what ended, and tell everybody concerned. CSV, sync and commands come here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from handlers import searching
from handlers.ask_card import settle_card
from handlers.clock.asks import tell_of_the_end
from handlers.context import Context
from handlers.quota_lines import until_calls_pass
from handlers.requests import settle
from handlers.words import texts
from handlers.words.text import one_line
from models.messages.message import Button, Message
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.leaving import ClosedLoan, EndedDelegation, come_back, leave
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of


def let_leave(session: Session, leaver: Member, now: datetime, actor: str = "admin") -> None:
    ended = leave(session, leaver, now, actor)
    ctx = Context.of(session, now, f"left:{leaver.id}:{now.isoformat()}")
    if ctx is None:
        return
    for loan in ended.loans:
        _tell_of_loan(ctx, leaver, loan)
    for delegation in ended.delegations:
        _tell_of_delegation(ctx, leaver, delegation)
    void = select(Request).where(
        Request.member_id == leaver.id, Request.state == RequestState.VOID, Request.decided_at == now
    )
    for request in session.exec(void).all():
        settle(ctx, request)
    for ask in Ask.ended_by_leaving(session, leaver.id, now):
        _tell_of_ask(ctx, leaver, ask)


def let_come_back(session: Session, members: Iterable[Member], now: datetime) -> None:
    """Give members who left in this period what is due to them, and tell each."""
    for member in members:
        ctx = Context.of(session, now, f"back:{member.id}:{now.isoformat()}")
        given = come_back(session, member, now) if ctx is not None else None
        period = Period.latest(session)
        if ctx is None or given is None or period is None:
            continue
        reader, left = ctx.reader_of(member), wallet_of(session, member.id).available
        if left > 0:
            day = reader.last_day(period.ends_at)
            text = texts.WELCOME_BACK(reader.locale, left=reader.amount(left), day=day)
        else:
            text = texts.WELCOME_BACK_NOTHING(reader.locale, day=reader.day(period.ends_at))
        ctx.tell(member, Message(text=text))


def _tell_of_loan(ctx: Context, leaver: Member, loan: ClosedLoan) -> None:
    other = ctx.session.get_one(Member, loan.other_id)
    reader = ctx.reader_of(other)
    unspent, debt = (
        (texts.LENDER_TOOK, texts.LENDER_FORGAVE)
        if loan.lent
        else (texts.BORROWER_RETURNED, texts.BORROWER_PAID)
    )
    said = [texts.HAS_LEFT(reader.locale, name=leaver.name)]
    if loan.back:
        said.append(unspent(reader.locale, amount=reader.amount(loan.back)))
    if loan.settled:
        said.append(debt(reader.locale, amount=reader.amount(loan.settled)))
    left = wallet_of(ctx.session, other.id).available
    said.append(texts.LEFT_NOW(reader.locale, left=reader.left(left)))
    said.append(until_calls_pass(ctx, reader, left))
    ctx.tell(other, Message(text=one_line(said, reader.locale)))
    ctx.refresh_home(other)


def _tell_of_delegation(ctx: Context, leaver: Member, ended: EndedDelegation) -> None:
    other = ctx.session.get_one(Member, ended.other_id)
    text = texts.STANDS_IN_NO_MORE if ended.from_leaver else texts.DELEGATE_HAS_LEFT
    ctx.tell(other, Message(text=text(ctx.reader_of(other).locale, name=leaver.name)))


def _tell_of_ask(ctx: Context, leaver: Member, ask: Ask) -> None:
    # The asked colleague's card settles; the borrower hears the reason.
    if ask.lender_id != leaver.id:
        tell_of_the_end(ctx, ask)
        return
    settle_card(ctx, ask)
    if searching.after_no(ctx, ask):
        return
    borrower = ctx.session.get_one(Member, ask.borrower_id)
    reader = ctx.reader_of(borrower)
    text = texts.ASKED_HAS_LEFT(reader.locale, name=leaver.name, amount=reader.amount(ask.amount))
    again = Button(texts.BORROW_BUTTON(reader.locale), "borrow.open", typed="borrow")
    ctx.tell(borrower, Message(text=text, buttons=(again,)))
