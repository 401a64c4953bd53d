"""Job: tell the owner of a team that its top-up budget is nearly spent."""

from __future__ import annotations

from sqlmodel import select

from handlers.context import Context
from handlers.words import texts
from models.ledger.account import Account, AccountKind
from models.messages.message import Message
from models.people.member import Member
from models.quota.period import Period, PeriodState
from models.quota.pool import funded

NEARLY = 80
"""Percent of a pool's budget at which its owner is told."""


def warn_of_pools(ctx: Context) -> bool:
    period = Period.latest(ctx.session)
    if period is None or period.state != PeriodState.OPEN:
        return False
    pools = select(Account).where(Account.kind == AccountKind.POOL, Account.period_id == period.id)
    for pool in ctx.session.exec(pools).all():
        budget, team = funded(ctx.session, pool.id), ctx.policy.team(pool.team or "")
        spent = budget - pool.balance
        if team is None or team.owner is None or not budget or spent * 100 < NEARLY * budget:
            continue
        owner = Member.by_email(ctx.session, team.owner)
        if owner is not None and ctx.first_time(f"pool:{pool.id}"):
            _warn(ctx, owner, team.name, spent, budget)
    return False


def _warn(ctx: Context, owner: Member, team: str, spent: int, budget: int) -> None:
    reader = ctx.reader_of(owner)
    spent_, budget_, left = (reader.amount(one) for one in (spent, budget, budget - spent))
    text = texts.POOL_NEARLY_SPENT(reader.locale, team=team, spent=spent_, budget=budget_, left=left)
    ctx.tell(owner, Message(text=text))
