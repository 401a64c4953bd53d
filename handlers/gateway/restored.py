"""For the gateway loop: after a restore from a backup, limits of the time after it are lowered, and admins hear of it."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.admins import to_admins
from handlers.context import Context, Reader
from handlers.gateway.trouble import named
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Message
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState, rate_in_use
from models.metering.limits import GatewayTraits, limits_of, lower_after_restore
from models.refusal import PeriodClosing


def settle(ctx: Context, accounts: Sequence[GatewayAccount], traits: GatewayTraits) -> None:
    """Nobody can spend more than the ledger has; where the gateway allows less, an admin decides."""
    state = GatewayState.of(ctx.session, traits.name)
    if state.restored_at is None:
        return
    try:
        rate = rate_in_use(ctx.session, ctx.policy)
    except PeriodClosing:
        return
    above, below = lower_after_restore(limits_of(ctx.session, accounts, rate, traits))
    if (above or below) and ctx.first_time(f"gateway:restored:{traits.name}:{state.restored_at.isoformat()}"):
        to_admins(ctx, lambda reader: Message(text=_words(ctx, reader, above, below)))
    if not above and not below:
        state.settle()


def _words(
    ctx: Context, reader: Reader, above: Sequence[GatewayAccount], below: Sequence[GatewayAccount]
) -> SafeText:
    lines = [texts.LEDGER_RESTORED(reader.locale)]
    for text, accounts in ((texts.LOWERED_AFTER_RESTORE, above), (texts.LEFT_AFTER_RESTORE, below)):
        if accounts:
            said = named(ctx, reader, accounts, figures=False)
            lines.append(text(reader.locale, count=len(accounts), accounts=said))
    return SafeText("\n".join(lines))
