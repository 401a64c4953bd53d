"""Job: use it or lend it. Before a period ends, who will lose much of their quota hears it once."""

from __future__ import annotations

from datetime import timedelta

from handlers.context import Context
from handlers.giving import expiry_message
from models.messages.outbox import Mailing
from models.metering.unused import unused, with_much_left
from models.quota.period import Period

BEFORE = timedelta(days=5)
PIECE = 100
"""People a transaction: other writers wait meanwhile."""


def warn_of_unused(ctx: Context) -> bool:
    period = Period.to_warn(ctx.session, ctx.now + BEFORE)
    if period is None or period.ends_at <= ctx.now:
        return False
    some, mailing = with_much_left(ctx.session, period, period.told_unused or 0, PIECE), Mailing(ctx.now)
    for member in some:
        what = unused(ctx.session, member.id, ctx.policy, ctx.now)
        if what.expires:
            message = expiry_message(ctx, member, period, what)
            ctx.tell(member, message, mailing=mailing, when_awake=True)
    more = len(some) == PIECE
    period.mark_warned(ctx.session, some[-1].id if more else None)
    return more
