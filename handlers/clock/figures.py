"""Job: count what the pages show where counting takes too long for a reader to wait."""

from __future__ import annotations

from handlers.context import Context
from models.reports.kept import keep_next


def keep(ctx: Context) -> bool:
    return keep_next(ctx.session, ctx.policy, ctx.now)
