"""Asked by the clock: forget old receipts."""

from __future__ import annotations

from handlers.context import Context
from models.messages.receipt import forget_old


def forget(ctx: Context) -> bool:
    forget_old(ctx.session, ctx.now)
    return False
