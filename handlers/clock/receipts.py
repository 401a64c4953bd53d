"""Job: forget old receipts and messages."""

from __future__ import annotations

from handlers.context import Context
from models.messages.confirmation import forget_confirmations
from models.messages.receipt import forget_old
from models.messages.skeleton import forget_skeletons
from models.messages.tally import forget_tallies
from models.metering.retention import purge_effects


def forget(ctx: Context) -> bool:
    forget_old(ctx.session, ctx.now)
    forget_confirmations(ctx.session, ctx.now)
    forget_tallies(ctx.session, ctx.now)
    forget_skeletons(ctx.session, ctx.now.date())
    return purge_effects(ctx.session, ctx.now, ctx.effects_kept)
