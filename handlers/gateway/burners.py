"""What a member's quota went on: by model and key where the gateway names keys, else by model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import escape
from models.metering.gateway_state import rate_now
from models.metering.reading import KeyUsage
from models.metering.usage import by_model
from models.people.member import Member

MANY = 5
"""From more keys or models on, their number is named."""


def most_used(
    ctx: Context,
    member: Member,
    reader: Reader,
    since: datetime,
    key_usage: Sequence[KeyUsage] = (),
    most: int = 2,
) -> SafeText:
    """Empty when nothing is known. `key_usage`: the last days by model and key."""
    rate, sums = rate_now(ctx.session, ctx.policy), Counter[str]()
    for one in key_usage:
        sums[f"{escape(one.model)} ({escape(one.key)})" if one.key else escape(one.model)] += rate.booked(
            one.amount
        )
    if not sums:
        day = since.astimezone(ctx.policy.zone).date()
        sums.update({escape(model): amount for model, amount in by_model(ctx.session, member.id, day)})
    largest = (f"{what} {reader.amount(amount)}" for what, amount in sums.most_common(most))
    named = SafeText(listed(largest, reader.locale))
    # How many keys burn tells of a swarm; a third model tells nothing.
    more = len(sums) - most if len(sums) > MANY else 0
    return texts.BURNERS_AND_MORE(reader.locale, what=named, count=more) if more else named
