"""Job: count what the pages show where counting takes too long for a reader to wait, and keep it."""

from __future__ import annotations

from handlers.context import Context
from models.reports import kept
from models.reports.kept import Counted


def count(ctx: Context) -> Counted | None:
    return kept.count_next(ctx.session, ctx.policy, ctx.now)


def keep(ctx: Context, counted: Counted) -> bool:
    kept.keep(ctx.session, counted)
    return True
