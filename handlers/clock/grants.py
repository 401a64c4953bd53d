"""Job: end top-ups after their last day."""

from __future__ import annotations

from sqlmodel import col, select

from handlers.context import Context
from handlers.words import texts
from handlers.words.text import SafeText
from models.ledger.account import Account, AccountKind
from models.ledger.transfer import Kind, Transfer
from models.messages.message import Message
from models.people.member import Member, lock_members
from models.quota.grant import end_grant
from models.quota.period import Period, PeriodState
from models.quota.request import Request

PIECE = 200
"""Grants a transaction: a whole team's may end at once, and other writers wait meanwhile."""


def end_grants(ctx: Context) -> bool:
    # Once the period is over, closing it does this.
    period = Period.held(ctx.session)
    if period is None or period.state != PeriodState.OPEN or ctx.now >= period.ends_at:
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
        facts = {"what": name_of(ctx, account), "amount": reader.amount(unspent)}
        ctx.tell(member, Message(text=texts.GRANT_ENDED(reader.locale, **facts)))
    return len(some) == PIECE


def name_of(ctx: Context, account: Account) -> str:
    """The CODE of the request, or the reason an admin gave."""
    request = ctx.session.get(Request, account.request_id) if account.request_id else None
    if request is not None:
        return SafeText(request.code)
    given = select(Transfer.reason).where(Transfer.target_id == account.id, Transfer.kind == Kind.GRANT)
    why = ctx.session.exec(given.order_by(col(Transfer.id)).limit(1)).first()
    return f"“{why}”" if why else ""
