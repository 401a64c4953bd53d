"""Quota between colleagues: lend, repay, recall, forgive, loans."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

from handlers.approval.cards import copy_of_request
from handlers.context import Reader, RequestContext
from handlers.loan_lines import loan_button, loan_lines
from handlers.quota_lines import until_calls_pass
from handlers.words import texts
from handlers.words.text import SafeText, Text, one_line, with_reason
from models.ledger.amount import share
from models.messages.message import Message, clean
from models.people.member import Member
from models.policy.calendar import end_of_day
from models.quota.lendable import lendable
from models.quota.loan import Lent, Loan, loans_between, loans_of
from models.quota.request import open_request
from models.quota.status import QuotaStatus
from models.quota.wallet import wallet_of
from models.refusal import BadDate, WrongUsage

MOST = 12
"""Loans on one message: each takes three of Slack's fifty blocks."""


def lend(
    ctx: RequestContext, borrower: Member, amount: int | None, reason: str = "", until: date | None = None
) -> Message:
    reason = clean(reason)
    lent = Loan.make(
        ctx.session,
        lender=ctx.me,
        borrower=borrower,
        amount=amount,
        policy=ctx.policy,
        cause=ctx.cause(reason),
        ends_at=end_of(ctx, until),
    )
    return tell_both(ctx, borrower, lent, reason)


def end_of(ctx: RequestContext, until: date | None) -> datetime | None:
    """The end of that day. Raises `BadDate` for a day that has passed."""
    ends_at = end_of_day(until, ctx.policy.zone) if until else None
    if until and ends_at and ends_at <= ctx.now:
        raise BadDate(until.isoformat())
    return ends_at


def tell_both(ctx: RequestContext, borrower: Member, lent: Lent, reason: str, more: str = "") -> Message:
    """Tell the borrower (with `more`), and return the lender's answer."""
    ctx.tell(borrower, _lent_to_you(ctx, borrower, lent, reason, more))
    # The cards of an open request show what the requester borrowed since.
    if lent.requests and (request := open_request(ctx.session, borrower.id)):
        ctx.retell(request.about, partial(copy_of_request, ctx, request))
    _refresh(ctx, borrower)
    reader = ctx.reader
    text = texts.LENT(
        reader.locale,
        amount=reader.amount(lent.amount),
        borrower=borrower.name,
        day=reader.last_day(lent.ends_at),
        left=reader.left(lent.lender_left),
    )
    return Message(
        text=one_line([text, _whole(reader, lent)], reader.locale),
        buttons=(loan_button(reader, "loan.recall", lent.loan_id, borrower),),
    )


def _lent_to_you(ctx: RequestContext, borrower: Member, lent: Lent, reason: str, more: str) -> Message:
    reader = ctx.reader_of(borrower)
    text = texts.LENT_TO_YOU(
        reader.locale,
        lender=ctx.me.name,
        amount=reader.amount(lent.amount),
        day=reader.last_day(lent.ends_at),
        left=reader.left(lent.borrower_left),
    )
    missing = until_calls_pass(ctx, reader, lent.borrower_left)
    text = one_line([text, missing, _whole(reader, lent), SafeText(more)], reader.locale)
    button = loan_button(reader, "loan.return", lent.loan_id, ctx.me)
    return Message(text=with_reason(text, reason), buttons=(button,))


def _whole(reader: Reader, lent: Lent) -> SafeText:
    if not lent.changed:
        return SafeText("")
    return texts.WHOLE_LOAN_ENDS(reader.locale, day=reader.last_day(lent.ends_at))


def repay(ctx: RequestContext, lender: Member | None, amount: int | None) -> Message:
    lender = lender or _only(ctx, taken=True)
    returned, repaid = Loan.repay(
        ctx.session, lender=lender, borrower=ctx.me, amount=amount, cause=ctx.cause()
    )
    theirs, mine = ctx.reader_of(lender), ctx.reader
    told = [
        text(theirs.locale, borrower=ctx.me.name, amount=theirs.amount(moved))
        for text, moved in ((texts.GAVE_BACK_TO_YOU, returned), (texts.PAID_YOU_BACK, repaid))
        if moved
    ]
    done = [
        text(mine.locale, lender=lender.name, amount=mine.amount(moved))
        for text, moved in ((texts.GAVE_BACK, returned), (texts.PAID_BACK, repaid))
        if moved
    ]
    ctx.tell(lender, _sentences(*told, _still(ctx, theirs, texts.THEY_OWE, lender, ctx.me)))
    _refresh(ctx, lender)
    return _sentences(*done, _still(ctx, mine, texts.YOU_OWE, lender, ctx.me))


def _sentences(*said: SafeText) -> Message:
    return Message(text=SafeText(" ".join(one for one in said if one)))


def _still(ctx: RequestContext, reader: Reader, text: Text, lender: Member, borrower: Member) -> SafeText:
    """The rest that is owed, in these words; "even" when no loan is open."""
    found = loans_between(ctx.session, lender=lender, borrower=borrower)
    if not found:
        return texts.EVEN(reader.locale)
    owed = sum(sums.owed for _, sums in found)
    return text(reader.locale, owed=reader.amount(owed)) if owed else SafeText("")


def recall(ctx: RequestContext, borrower: Member | None, amount: int | None) -> Message:
    borrower = borrower or _only(ctx, taken=False)
    moved = Loan.recall(ctx.session, lender=ctx.me, borrower=borrower, amount=amount, cause=ctx.cause())
    theirs, mine = ctx.reader_of(borrower), ctx.reader
    available = wallet_of(ctx.session, borrower.id).available
    told = texts.RECALLED_FROM_YOU(
        theirs.locale, lender=ctx.me.name, amount=theirs.amount(moved), left=theirs.left(available)
    )
    told = one_line([told, until_calls_pass(ctx, theirs, available)], theirs.locale)
    ctx.tell(borrower, Message(text=told))
    _refresh(ctx, borrower)
    done = texts.RECALLED(mine.locale, amount=mine.amount(moved), borrower=borrower.name)
    return _sentences(done, _still(ctx, mine, texts.THEY_OWE, ctx.me, borrower))


def forgive(ctx: RequestContext, borrower: Member | None, amount: int | None, reason: str = "") -> Message:
    borrower, reason = borrower or _only(ctx, taken=False), clean(reason)
    cause = ctx.cause(reason)
    gone = Loan.forgive(ctx.session, lender=ctx.me, borrower=borrower, amount=amount, cause=cause)
    theirs, mine = ctx.reader_of(borrower), ctx.reader
    told = texts.FORGAVE_YOU(theirs.locale, lender=ctx.me.name, amount=theirs.amount(gone))
    ctx.tell(borrower, Message(text=with_reason(told, reason)))
    _refresh(ctx, borrower)
    return Message(text=texts.FORGAVE(mine.locale, borrower=borrower.name, amount=mine.amount(gone)))


LARGE = Decimal("0.25")
"""Above this share of the asker's base, everything at once is confirmed first, also where it can be undone."""


def everything(ctx: RequestContext, intent: str, other: Member | None) -> tuple[Member, int]:
    """The other member, and how much a command without a number moves now. Raises the refusal."""
    if intent == "lend" and other is not None:
        return other, lendable(QuotaStatus.of(ctx.session, ctx.me.id), None, ctx.policy)
    taken = intent == "repay"
    other = other or _only(ctx, taken=taken)
    lender, borrower = (other, ctx.me) if taken else (ctx.me, other)
    every = [sums for _, sums in loans_between(ctx.session, lender=lender, borrower=borrower)]
    unspent, owed = sum(sums.unspent for sums in every), sum(sums.owed for sums in every)
    if taken:
        return other, unspent + min(owed, wallet_of(ctx.session, ctx.me.id).allocation)
    return other, unspent if intent == "recall" else owed


def unspent(ctx: RequestContext, *, lender: Member, borrower: Member) -> int:
    """How much of what one lent to the other is unspent."""
    return sum(sums.unspent for _, sums in loans_between(ctx.session, lender=lender, borrower=borrower))


def is_large(ctx: RequestContext, amount: int) -> bool:
    return amount > share(QuotaStatus.of(ctx.session, ctx.me.id).base, LARGE)


def loans(ctx: RequestContext) -> Message:
    reader = ctx.reader
    lines = loan_lines(reader, ctx.view_of(ctx.me))
    if not lines:
        return Message(text=texts.NO_LOANS(reader.locale))
    parts = tuple(Message(text=line, buttons=buttons) for line, buttons in lines[:MOST])
    if len(lines) > MOST:
        parts += (Message(text=texts.AND_MORE(reader.locale, count=len(lines) - MOST)),)
    return Message(title=texts.LOANS_TITLE(reader.locale), text="", parts=parts)


def return_loan(ctx: RequestContext, number: str) -> Message:
    return repay(ctx, other_of(ctx, number, taken=True), None)


def recall_loan(ctx: RequestContext, number: str) -> Message:
    return recall(ctx, other_of(ctx, number, taken=False), None)


def forgive_loan(ctx: RequestContext, number: str) -> Message:
    return forgive(ctx, other_of(ctx, number, taken=False), None)


def other_of(ctx: RequestContext, number: str, *, taken: bool) -> Member:
    """The other one of the loan of this number, which the asker took, or gave."""
    loan = Loan.numbered(ctx.session, number, ctx.me, taken=taken)
    return ctx.session.get_one(Member, loan.lender_id if taken else loan.borrower_id)


def _only(ctx: RequestContext, *, taken: bool) -> Member:
    """The other member, if there is one open loan of that side."""
    mine = [loan for loan, _ in loans_of(ctx.session, ctx.me.id) if (loan.borrower_id == ctx.me.id) == taken]
    others = {loan.lender_id if taken else loan.borrower_id for loan in mine}
    if len(others) != 1:
        raise WrongUsage("repay" if taken else "recall")
    return ctx.session.get_one(Member, others.pop())


def _refresh(ctx: RequestContext, other: Member) -> None:
    ctx.refresh_home(ctx.me)
    ctx.refresh_home(other)


LOAN_WARNING = timedelta(hours=48)
"""Both parties of a loan with something unspent are told this long before it goes back."""
