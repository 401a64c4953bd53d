"""Asked by the clock: put a staged policy in force, close a period, open the next."""

from __future__ import annotations

from handlers.context import Context
from models.quota.policy_change import move_on


def turn(ctx: Context) -> bool:
    """Do the next piece that is due."""
    return move_on(ctx.session, ctx.now)
