"""Job: seal new rows of the chain."""

from __future__ import annotations

from handlers.context import Context
from models.quota.chain import seal_next


def seal(ctx: Context) -> bool:
    return seal_next(ctx.session, ctx.now)
