"""Job: put a staged policy in force, close a period, open the next."""

from __future__ import annotations

from handlers.context import Context
from models.quota.policy_change import move_on


def turn(ctx: Context) -> bool:
    return move_on(ctx.session, ctx.now)
