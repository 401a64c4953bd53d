"""The end of a grant in words, with a warning when it is near."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.quota.grant import ending
from models.quota.period import Period
from models.quota.request import Request

SOON = timedelta(days=1)


def until_words(ctx: Context, request: Request, reader: Reader) -> SafeText:
    """The last day of the grant: the one asked for, or the period's."""
    ends = _ends_at(ctx, request)
    return texts.UNTIL_DAY(reader.locale, day=reader.last_day(ends)) if ends else SafeText("")


def ends_soon(ctx: Context, request: Request, reader: Reader, text: Text) -> SafeText:
    """`text` when a grant of now is over within a day; else empty."""
    ends = _ends_at(ctx, request)
    if ends is None or not timedelta() < ends - ctx.now < SOON:
        return SafeText("")
    minutes = max(1, int((ends - ctx.now).total_seconds() // 60))
    if minutes < 120:
        left = texts.IN_MINUTES(reader.locale, count=minutes)
    else:
        left = texts.IN_HOURS(reader.locale, count=minutes // 60)
    return text(reader.locale, left=left)


def _ends_at(ctx: Context, request: Request) -> datetime | None:
    period = Period.latest(ctx.session)
    return ending(period, request.until, ctx.policy) if period else None
