"""Asked by the clock: the period turns, requests are reminded, passed on and ended, loans and grants end.

Every function does one piece in the caller's transaction and says whether there is more to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, literal
from sqlmodel import Session, col, select, update

from handlers.approval import cards, oa, oa_form
from handlers.context import Voice
from handlers.lending import LOAN_WARNING, ask_card
from handlers.requests import settle, tell_asked
from handlers.words import texts
from handlers.words.text import Shown
from models.ledger.account import Account, AccountKind
from models.ledger.transfer import Kind, Transfer
from models.messages.message import Button, Message
from models.messages.outbox import Effect, unreached
from models.messages.receipt import forget_old
from models.people.member import Member, lock_members
from models.policy import versions
from models.policy.calendar import awake_between
from models.quota.approvers import Asked, chain
from models.quota.ask import Ask
from models.quota.grant import end_grant
from models.quota.loan import Loan
from models.quota.period import Period
from models.quota.policy_change import move_on
from models.quota.request import OPEN, Request, ask_next, end

PIECE = 200
"""Grants or loans a transaction: a team's may end all at once, and others wait for the writer meanwhile."""
WARNED = "warn:"


def turn(voice: Voice) -> bool:
    """Put a staged policy in force, close the period whose time is over, open the next: a piece at a time, in order."""
    return move_on(voice.session, voice.now)


def requests_due(voice: Voice) -> bool:
    """Remind, ask the next one, end: only time outside the approver's quiet hours counts. Nothing ends in a yes."""
    on_forms = bool(oa_form.process_code(voice.session))
    for request in voice.session.exec(
        select(Request).where(col(Request.state).in_(OPEN)).order_by(col(Request.id)).with_for_update()
    ).all():
        if on_forms:
            _mind_form(voice, request)
        _one_request(voice, request)
    return False


def _mind_form(voice: Voice, request: Request) -> None:
    """Look after a form that nothing was heard of; where it was set aside, the cards go out."""
    oa.look_again(voice, request)
    if oa_form.fell_through(voice.session, request):
        tell_asked(voice, request)


def _one_request(voice: Voice, request: Request) -> None:
    times = voice.policy.requests
    asked = voice.session.exec(
        select(Asked).where(Asked.request_id == request.id).order_by(col(Asked.asked_at), col(Asked.why))
    ).all()
    first = voice.session.get(Member, asked[0].member_id) if asked else None
    if _awake(voice, request.asked_at, first) >= times.expire_after:
        _expire(voice, request)
    elif (
        not asked
        or _awake(voice, asked[-1].asked_at, first) >= times.escalate_after
        or _nobody_left(voice, request, list(asked))
    ):
        _pass_on(voice, request)
    else:
        for one in asked:
            who = voice.session.get_one(Member, one.member_id)
            if one.reminded_at is None and _awake(voice, one.asked_at, who) >= times.remind_after:
                _remind(voice, request, one, who)


def _awake(voice: Voice, since: datetime, who: Member | None) -> timedelta:
    zone = who.zone(voice.policy.timezone) if who else voice.policy.zone
    return awake_between(since, voice.now, voice.policy.quiet, zone)


def _nobody_left(voice: Voice, request: Request, asked: list[Asked]) -> bool:
    """Whether all who were asked have left, are no longer in the chain, or cannot be written to."""
    today = {one.member.id for one in chain(voice.session, voice.policy, request.member_id, voice.now)}
    deaf = unreached(voice.session, request.about)
    return not any(one.for_id in today and one.member_id not in deaf for one in asked)


def _expire(voice: Voice, request: Request) -> None:
    if not end(voice.session, request, "expired", voice.cause()):
        return
    requester = voice.session.get_one(Member, request.member_id)
    reader = voice.reader_of(requester)
    text = texts.EXPIRED(reader.locale, amount=reader.amount(request.amount), code=Shown(request.code))
    again = Button(texts.ASK_AGAIN_BUTTON(reader.locale), "request.open", typed="request")
    voice.tell(requester, Message(text=text, buttons=(again,)))
    settle(voice, request)


def _pass_on(voice: Voice, request: Request) -> None:
    """Ask one more; whoever was asked before can still decide while they are in the chain."""
    before = request.state
    found = ask_next(voice.session, request, voice.policy, voice.now)
    if found is None:
        return
    tell_asked(voice, request)
    voice.retell(request.about, lambda shape, to: cards.request_card(voice, request, shape, to))
    if before == "pending":
        requester = voice.session.get_one(Member, request.member_id)
        say = voice.reader_of(requester).locale
        text = texts.ESCALATED(say, code=Shown(request.code), approver=found.member.name)
        voice.tell(requester, Message(text=text))


def _remind(voice: Voice, request: Request, asked: Asked, who: Member) -> None:
    asked.reminded_at = voice.now
    voice.session.add(asked)
    reader, name = voice.reader_of(who), voice.session.get_one(Member, request.member_id).name
    text = texts.REMINDER(
        reader.locale, name=name, amount=reader.amount(request.amount), code=Shown(request.code)
    )
    if oa_form.forms(voice.session, request):
        where = texts.OA_REMINDER(reader.locale, code=Shown(request.code))
        voice.tell(who, Message(text=Shown(f"{text}\n{where}")))
        return
    card = cards.request_card(voice, request, "full", who)
    voice.tell(who, Message(text=text, buttons=card.buttons), about=request.about, shape="full")


def end_asks(voice: Voice) -> bool:
    """An ask to borrow ends after a day or at the close."""
    over = select(Ask).where(Ask.state == "pending", Ask.expires_at <= voice.now)
    for ask in voice.session.exec(over).all():
        changed = voice.session.execute(
            update(Ask)
            .where(col(Ask.id) == ask.id, col(Ask.state) == "pending")
            .values(state="expired", decided_at=voice.now)
        )
        voice.session.refresh(ask)
        if changed.rowcount:  # type: ignore[attr-defined]
            _tell_ask_is_over(voice, ask)
    return False


def _tell_ask_is_over(voice: Voice, ask: Ask) -> None:
    lender, borrower = (
        voice.session.get_one(Member, ask.lender_id),
        voice.session.get_one(Member, ask.borrower_id),
    )
    voice.retell(f"ask:{ask.code}", lambda _, to: ask_card(voice, ask, to or lender))
    reader = voice.reader_of(borrower)
    voice.tell(borrower, Message(text=texts.ASK_EXPIRED(reader.locale, amount=reader.amount(ask.amount))))


def show_leaving(session: Session, leaver: Member, now: datetime) -> None:
    """What somebody's leaving has ended just now is over on every card, and who waited for them hears of it."""
    current = versions.current(session)
    if current is None:
        return
    voice = Voice(
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
        settle(voice, request)
    theirs = (col(Ask.borrower_id) == leaver.id) | (col(Ask.lender_id) == leaver.id)
    for ask in session.exec(select(Ask).where(theirs, Ask.state == "expired", Ask.decided_at == now)).all():
        _tell_ask_is_over(voice, ask)


def end_grants(voice: Voice) -> bool:
    """A top-up whose last day is over gives back what is unspent. At a close that is the close's affair."""
    period = Period.held(voice.session)
    if period is None or period.state != "open" or voice.now >= period.ends_at:
        return False
    over = select(Account).where(
        Account.kind == AccountKind.TOP_UP, Account.balance > 0, col(Account.ends_at) <= voice.now
    )
    some = voice.session.exec(over.order_by(col(Account.id)).limit(PIECE)).all()
    for account in some:
        lock_members(voice.session, [account.member_id or 0])
        unspent = end_grant(voice.session, account, voice.cause())
        member = voice.session.get_one(Member, account.member_id)
        reader = voice.reader_of(member)
        facts = {"what": _name_of(voice, account), "amount": reader.amount(unspent)}
        voice.tell(member, Message(text=texts.GRANT_ENDED(reader.locale, **facts)))
    return len(some) == PIECE


def _name_of(voice: Voice, account: Account) -> str:
    """What somebody knows a top-up by: the CODE of their request, or what an admin gave it for."""
    request = voice.session.get(Request, account.request_id) if account.request_id else None
    if request is not None:
        return Shown(request.code)
    given = select(Transfer.reason).where(Transfer.target_id == account.id, Transfer.kind == Kind.GRANT)
    why = voice.session.exec(given.order_by(col(Transfer.id)).limit(1)).first()
    return f"“{why}”" if why else ""


def warn_of_returns(voice: Voice) -> bool:
    """Both parties hear of an unspent loan 48 h before it goes back, once."""
    period = Period.latest(voice.session)
    if (
        period is None
        or period.state != "open"
        or not period.ends_at - LOAN_WARNING <= voice.now < period.ends_at
    ):
        return False
    some = voice.session.exec(_unwarned(period)).all()
    for loan, unspent in some:
        if voice.first_time(f"{WARNED}{loan.id}"):
            _warn(voice, loan, unspent, period)
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


def _warn(voice: Voice, loan: Loan, unspent: int, period: Period) -> None:
    lender, borrower = (
        voice.session.get_one(Member, loan.lender_id),
        voice.session.get_one(Member, loan.borrower_id),
    )
    for one, other, action in ((lender, borrower, "loan.recall"), (borrower, lender, "loan.return")):
        reader = voice.reader_of(one)
        text = texts.LOAN_ENDS_SOON(
            reader.locale,
            amount=reader.amount(unspent),
            lender=lender.name,
            borrower=borrower.name,
            day=reader.last_day(period.ends_at),
        )
        voice.tell(one, Message(text=text, buttons=(cards.loan_button(reader, action, loan.id, other),)))


def tidy(voice: Voice) -> bool:
    """Once a day: old receipts go, a staged policy is looked at."""
    forget_old(voice.session, voice.now)
    return versions.current(voice.session) is None
