"""For the gateway loop: book spend, and keep it by model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from handlers.context import Context
from handlers.gateway import alerts
from models.metering import booking
from models.metering.booking import BookedPage
from models.metering.gateway_state import rate_in_use
from models.metering.reading import KeyUsage, Reading
from models.refusal import PeriodClosing


def book_page(ctx: Context, page: Sequence[Reading], seen: Collection[str] | None = None) -> BookedPage:
    """Book a page. `spenders` of the result are only those with an alert to hear."""
    try:
        rate = rate_in_use(ctx.session, ctx.policy)
    except PeriodClosing:
        return BookedPage()
    booked = booking.book_page(ctx.session, page, rate, ctx.cause(actor="gateway"), seen, ctx.policy)
    return replace(booked, spenders=[one for one in booked.spenders if alerts.alerting(ctx, one)])


def keep_usage(ctx: Context, page: Iterable[KeyUsage]) -> None:
    """Raises `PeriodClosing`."""
    booking.keep_usage(ctx.session, page, rate_in_use(ctx.session, ctx.policy), ctx.now)
