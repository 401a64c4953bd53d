"""Periods and waking hours: the calendar of a place, cut into spans. Pure; every instant given and returned is aware."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from models.ledger.amount import Unit
from models.policy.day_off import off

DAY = timedelta(days=1)
LONGEST_WAIT = 3660 * DAY
"""How far `awake_after` looks ahead before it gives up."""


@dataclass(frozen=True)
class Cadence:
    """How often a period begins: monthly on `day`, weekly on Mondays, or quarterly."""

    kind: Literal["monthly", "weekly", "quarterly"] = "monthly"
    day: int = 1


@dataclass(frozen=True)
class Span:
    """From `start` to just before `end`, both UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Quiet:
    """Times at which nobody is asked: hours (also past midnight), whole weekdays (Monday is 0), public holidays.

    `holidays`: a country and the zones where its holidays count; no zones: everywhere.
    """

    hours: tuple[time, time] | None = None
    days: frozenset[int] = frozenset()
    holidays: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def country(self, zone: tzinfo) -> str | None:
        """The country whose holidays count in this zone."""
        return next((one for one, zones in self.holidays if not zones or str(zone) in zones), None)

    def all_day(self, day: date, zone: tzinfo) -> bool:
        # A weekend day that is made up for is not quiet.
        country = self.country(zone)
        rest = off(country, day) if country else None
        return day.weekday() in self.days if rest is None else rest


def midnight(day: date, zone: tzinfo) -> datetime:
    return _instant(day, time(), zone)


def span_of(cadence: Cadence, zone: tzinfo, moment: datetime) -> Span:
    """The period that holds `moment`. A period starts at 00:00 in `zone`."""
    # A clock set back across midnight shows yesterday's date after today has begun, so one starts a day ahead.
    first = _first_day(cadence, moment.astimezone(zone).date() + DAY)
    while midnight(first, zone) > moment:
        first = _first_day(cadence, first - DAY)
    return Span(midnight(first, zone), midnight(_next_first_day(cadence, first), zone))


def next_span(cadence: Cadence, zone: tzinfo, span: Span) -> Span:
    """The period after `span`, without a gap when cadence or zone have changed."""
    around = span_of(cadence, zone, span.end)
    # Of two ends, the one that leaves at least half a period: no whole allocation for the hours between two zones.
    if span.end - around.start <= around.end - span.end:
        return Span(span.end, around.end)
    return Span(span.end, span_of(cadence, zone, around.end).end)


def days(span: Span, zone: tzinfo) -> int:
    """Days of the span in `zone`, at least one."""
    return max(1, (_day(span.end, zone) - _day(span.start, zone)).days)


def days_left(span: Span, zone: tzinfo, now: datetime) -> int:
    """Days that are left, with today. All before the start, 0 after the end."""
    if now >= span.end:
        return 0
    left = (_day(span.end, zone) - _day(max(now, span.start), zone)).days
    return min(max(1, left), days(span, zone))


def pro_rata(amount: int, span: Span, zone: tzinfo, now: datetime, unit: Unit) -> int:
    """The part of `amount` for the days left, rounded up to 0.01 (money) or 1. Stored units."""
    step = max(1, unit.scale // 100)
    part = -(-amount * days_left(span, zone, now) // (days(span, zone) * step)) * step
    return min(amount, part)


def awake_between(start: datetime, end: datetime, quiet: Quiet | None, zone: tzinfo) -> timedelta:
    """The time from `start` to `end` that is not quiet in `zone`."""
    awake, at = timedelta(), start
    for pause in _pauses(start, quiet, zone):
        if pause.start >= end:
            break
        awake += max(timedelta(), pause.start - at)
        at = max(at, pause.end)
    return awake + max(timedelta(), end - at)


def awake_after(start: datetime, duration: timedelta, quiet: Quiet | None, zone: tzinfo) -> datetime:
    """The moment at which `duration` of waking time has passed since `start`."""
    at, left = start, duration
    for pause in _pauses(start, quiet, zone):
        awake = max(timedelta(), pause.start - at)
        # Quiet may leave hardly any time: after ten years the search ends with that day.
        if awake >= left or at > start + LONGEST_WAIT:
            break
        left -= awake
        at = max(at, pause.end)
    return at + left


def awake_from(at: datetime, quiet: Quiet | None, zone: tzinfo) -> datetime:
    """`at`, or the end of the quiet time that it falls into."""
    instant = timedelta(microseconds=1)
    return awake_after(at, instant, quiet, zone) - instant


def _first_day(cadence: Cadence, day: date) -> date:
    if cadence.kind == "weekly":
        return day - day.weekday() * DAY
    months = _months(cadence, day)
    this = _in_month(months, cadence.day)
    return this if this <= day else _in_month(months - _step(cadence), cadence.day)


def _next_first_day(cadence: Cadence, first: date) -> date:
    if cadence.kind == "weekly":
        return first + 7 * DAY
    return _in_month(_months(cadence, first) + _step(cadence), cadence.day)


def _months(cadence: Cadence, day: date) -> int:
    months = day.year * 12 + day.month - 1
    return months - months % _step(cadence)


def _step(cadence: Cadence) -> int:
    return 3 if cadence.kind == "quarterly" else 1


def _in_month(months: int, day: int) -> date:
    # In a shorter month, the last day.
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day, calendar.monthrange(year, month + 1)[1]))


def _pauses(start: datetime, quiet: Quiet | None, zone: tzinfo) -> Iterator[Span]:
    """Quiet spans that end after `start`, by their beginning. They may overlap."""
    if quiet is None or not (quiet.hours or quiet.days or quiet.country(zone)):
        return
    # Yesterday's quiet hours may pass midnight.
    day = _day(start, zone) - DAY
    while True:
        for pause in _pauses_of(day, quiet, zone):
            if max(pause.start, start) < pause.end:
                yield pause
        day += DAY


def _pauses_of(day: date, quiet: Quiet, zone: tzinfo) -> Iterator[Span]:
    if quiet.all_day(day, zone):
        yield Span(midnight(day, zone), midnight(day + DAY, zone))
    if quiet.hours:
        begin, end = quiet.hours
        last = day if begin < end else day + DAY
        yield Span(_instant(day, begin, zone), _instant(last, end, zone))


def _day(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    # fold=0: of an hour that comes twice the first; an hour that does not come is read on the clock before the change.
    return datetime.combine(day, at, zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first moment after `day`."""
    return datetime.combine(day + timedelta(days=1), time(), zone)
