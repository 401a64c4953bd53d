"""A member's quota in words: used of the whole, how long it lasts, and a bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import escape
from models.metering.ladder import FallbackView, fallback_of
from models.metering.outlook import Outlook
from models.people.member import Member
from models.policy.calendar import Span
from models.quota.status import QuotaStatus

CELLS = 12
MOST_MODELS = 3


def used_of(reader: Reader, status: QuotaStatus) -> SafeText:
    # The whole is used + left, so no figure stands beside a smaller whole.
    used, left = status.own_used, status.has.available
    if left < 0:
        return texts.USED_OVER(reader.locale, used=reader.amount(used), over=reader.amount(-left))
    return texts.USED_OF(reader.locale, used=reader.amount(used), whole=reader.amount(used + left))


def bar(reader: Reader, status: QuotaStatus, now: datetime) -> SafeText:
    """The share used, beside the share of the period that has passed."""
    whole = max(status.own_used + status.has.available, status.own_used, 1)
    used = status.own_used / whole
    return texts.BAR(
        reader.locale, bar=_cells(used), used=_percent(used), elapsed=_percent(_elapsed(status.span, now))
    )


def how_long(reader: Reader, view: Outlook, status: QuotaStatus, now: datetime) -> SafeText:
    """The end of the first line: gone by a day, or enough until one. Empty without a pace."""
    if not view.pace or status.has.available <= 0:
        return SafeText("")
    if view.runs_out is None:
        return texts.ENOUGH_UNTIL(reader.locale, day=reader.last_day(status.span.end))
    return texts.GONE_BY(reader.locale, day=near_day(reader, view.runs_out, now))


def near_day(reader: Reader, at: datetime, now: datetime) -> SafeText:
    """`today`, `tomorrow`, or the date, in the reader's zone."""
    days = (at.astimezone(reader.zone).date() - now.astimezone(reader.zone).date()).days
    if days in (0, 1):
        return (texts.TODAY, texts.TOMORROW)[days](reader.locale)
    return reader.day(at)


def until_calls_pass(ctx: Context, reader: Reader, available: int) -> SafeText:
    """How much is missing for somebody below zero, where a gateway blocks them; else nothing."""
    if available >= 0 or not ctx.live:
        return SafeText("")
    return missing(ctx, reader, -available)


def missing(ctx: Context, reader: Reader, over: int) -> SafeText:
    """With a fallback, some calls may pass meanwhile."""
    text = texts.MORE_UNTIL if ctx.policy.fallback is None else texts.MORE_UNTIL_QUOTA
    return text(reader.locale, over=reader.amount(over))


def going_on(reader: Reader, view: FallbackView) -> SafeText:
    """The models that go on beyond own quota, and up to how much more."""
    return texts.FALLBACK_GOES_ON(
        reader.locale, models=models_named(reader, view.models), left=reader.amount(view.left or 0)
    )


def meanwhile(ctx: Context, reader: Reader, member: Member) -> list[SafeText]:
    """For somebody who waits for more: the models that go on."""
    view = fallback_of(ctx.session, member, ctx.policy)
    if view is None or not view.goes_on:
        return []
    named, left = models_named(reader, view.models), reader.amount(view.left or 0)
    return [texts.MEANWHILE_FALLBACK(reader.locale, models=named, left=left)]


def models_named(reader: Reader, models: Sequence[str]) -> SafeText:
    named = SafeText(listed(map(escape, models[:MOST_MODELS]), reader.locale))
    more = len(models) - MOST_MODELS
    return texts.MODELS_AND_MORE(reader.locale, models=named, count=more) if more > 0 else named


def days_left(reader: Reader, left: timedelta) -> SafeText:
    """With today."""
    return texts.DAYS_LEFT(reader.locale, days=left.days + 1 if left else 0)


def _elapsed(span: Span, now: datetime) -> float:
    return min(max((now - span.start) / (span.end - span.start), 0.0), 1.0)


def _cells(share: float) -> SafeText:
    # One cell is full once anything is used, and one stays empty while anything is left.
    full = round(CELLS * share)
    full = max(1, full) if share > 0 else 0
    full = min(CELLS - 1, full) if share < 1 else CELLS
    return SafeText("▰" * full + "▱" * (CELLS - full))


def _percent(share: float) -> int:
    # 100 only when nothing is left, 0 only when nothing is used.
    return min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)
