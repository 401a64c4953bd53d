"""Pace and run-out: how long a member's quota lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlmodel import Session

from models.ledger.amount import Unit
from models.quota.status import QuotaStatus
from models.quota.wallet import Wallet, burnt


@dataclass(frozen=True)
class Outlook:
    """`pace`: stored units a day. `left`: till the period ends. `runs_out`: None when the quota lasts."""

    pace: int
    left: timedelta
    runs_out: datetime | None

    @classmethod
    def of(cls, status: QuotaStatus, spent: int, now: datetime) -> Self:
        """`spent`: since `pace_since`."""
        # In the first minutes of a period a single call would set the pace.
        seconds = max(int((now - pace_since(status, now)).total_seconds()), 60 * 60)
        pace = rounded(spent * DAY // seconds)
        left, available = max(status.span.end - now, timedelta()), status.has.available
        lasts = timedelta(seconds=available * DAY // pace) if pace > 0 and available > 0 else None
        return cls(pace, left, now + lasts if lasts is not None and lasts < left else None)


DAY = 24 * 60 * 60
PACE = timedelta(days=7)


def pace_since(status: QuotaStatus, now: datetime) -> datetime:
    """Pace is the daily use of the last 7 days, or since the opening."""
    return max(status.span.start, now - PACE)


def outlook(session: Session, status: QuotaStatus, now: datetime) -> Outlook:
    return Outlook.of(status, burnt(session, status.member_id, pace_since(status, now), now), now)


EARLY = 4
"""A quota that ends more than a quarter of the period too early is worth a warning."""
WORTH = 5
"""Quota of less than so many units of money (hundreds of credits, thousands of tokens) is too little to speak of a pace."""


def early_end(session: Session, status: QuotaStatus, unit: Unit, now: datetime) -> Outlook | None:
    """The outlook of a quota that will be gone long before the period ends; None while that is not sure enough.

    It takes a tenth of the period, a fifth of the quota, and use on more than one day: one batch is no pace.
    """
    whole, length = status.used + status.has.available, status.span.end - status.span.start
    began = max(status.span.start, status.since or status.span.start)
    settled = now - began >= max(length / 10, timedelta(days=1))
    step = {Unit.CREDITS: 100, Unit.TOKENS: 1_000}.get(unit, unit.scale)
    if (
        not settled
        or whole < WORTH * step
        or status.used * 5 < whole
        or not _may_end_early(status, whole, now)
    ):
        return None
    view = outlook(session, status, now)
    if view.runs_out is None or (status.span.end - view.runs_out) * EARLY < length:
        return None
    week, day = (burnt(session, status.member_id, now - timedelta(days=n), now) for n in (7, 1))
    return view if day * 10 < min(week, status.used) * 9 else None


def _may_end_early(status: QuotaStatus, whole: int, now: datetime) -> bool:
    """Whether it ends early if all of its use was in the window of the pace; without a query, as everybody is looked at."""
    gone, length = now - status.span.start, status.span.end - status.span.start
    window, room = min(gone, timedelta(days=7)), length - length / EARLY - gone
    longest, needed_for = (int(one.total_seconds()) for one in (window + room, window))
    return room > timedelta() and status.used * longest >= whole * needed_for


def rounded(pace: int) -> int:
    # A pace is an estimate: three digits.
    grain: int = 10 ** max(0, len(str(abs(pace))) - 3)
    return pace // grain * grain


def needed(view: Outlook, has: Wallet, step: int) -> int:
    """Pace × days left − available, rounded up to `step`; ≤ 0 when nothing is missing."""
    missing = -(-view.pace * int(view.left.total_seconds()) // DAY) - has.available
    return -(-missing // step) * step
