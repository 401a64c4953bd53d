"""Job: put a staged policy in force, close a period, open the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers.admins import to_admins
from handlers.context import Context, Reader
from handlers.words import texts
from models.messages.message import Message
from models.policy.calendar import Span
from models.quota.closing import overdue
from models.quota.policy_change import move_on


def turn(ctx: Context) -> bool:
    """Do the next piece that is due. More than one period waits for an operator, which the admins hear once a day."""
    if move_on(ctx.session, ctx.now):
        return True
    over = overdue(ctx.session, ctx.now)
    if over and ctx.first_time(f"overdue:{over[0].end.isoformat()}:{ctx.now:%Y-%m-%d}"):
        to_admins(ctx, lambda reader: _waits(ctx, reader, over))
    return False


def _waits(ctx: Context, reader: Reader, over: Sequence[Span]) -> Message:
    reader = replace(reader, today=over[0].start.date())  # by a wrong clock its own year goes without saying
    facts = {"now": reader.moment(ctx.now), "day": reader.last_day(over[0].end), "count": len(over)}
    return Message(text=texts.TURN_WAITS(reader.locale, **facts))
