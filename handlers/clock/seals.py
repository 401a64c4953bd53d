"""Asked by the clock: seal what was written since the last time."""

from __future__ import annotations

from handlers.context import Context
from models.quota.chain import seal_next


def seal(ctx: Context) -> bool:
    return seal_next(ctx.session, ctx.now)
