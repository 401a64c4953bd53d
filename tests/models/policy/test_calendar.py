"""Periods tile the line in every zone; quiet time does not count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ledger.amount import Unit
from models.policy.calendar import (
    Cadence,
    Quiet,
    Span,
    awake_after,
    awake_between,
    days,
    days_left,
    midnight,
    next_span,
    pro_rata,
    span_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = Quiet((time(20), time(8)), frozenset({5, 6}))

# Clocks that change at midnight, by half an hour, far from UTC, or not at all; Apia has skipped a day.
zones = st.sampled_from(
    [
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "America/Sao_Paulo",
        "Asia/Beirut",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Asia/Gaza",
    ]
).map(ZoneInfo)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
cadences = st.one_of(
    st.sampled_from([Cadence("weekly"), Cadence("quarterly")]),
    st.integers(1, 31).map(lambda day: Cadence("monthly", day)),
)
half_hours = st.integers(0, 47).map(lambda number: time(number // 2, number % 2 * 30))
quiets = st.one_of(
    st.none(),
    st.builds(
        Quiet,
        st.one_of(st.none(), st.tuples(half_hours, half_hours).filter(lambda hours: hours[0] != hours[1])),
        st.frozensets(st.integers(0, 6), max_size=5),
    ),
)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def span(start: str, end: str, zone: ZoneInfo = SHANGHAI) -> Span:
    return Span(at(start, zone), at(end, zone))


# --- periods ---------------------------------------------------------------------------------------------------------


def test_a_month_begins_at_midnight_where_the_workspace_is() -> None:
    month = span_of(Cadence(), SHANGHAI, datetime(2026, 11, 30, 16, tzinfo=UTC))
    assert month == span("2026-12-01", "2027-01-01")
    assert span_of(Cadence(), SHANGHAI, datetime(2026, 11, 30, 15, 59, tzinfo=UTC)).end == month.start


@pytest.mark.parametrize(
    ("cadence", "moment", "start", "end"),
    [
        (Cadence("monthly", 15), "2026-12-14T23:59", "2026-11-15", "2026-12-15"),
        (Cadence("monthly", 15), "2026-12-15", "2026-12-15", "2027-01-15"),
        (Cadence("monthly", 31), "2027-02-28T12:00", "2027-02-28", "2027-03-31"),
        (Cadence("monthly", 30), "2028-02-28T12:00", "2028-01-30", "2028-02-29"),
        (Cadence("weekly"), "2026-11-29T23:00", "2026-11-23", "2026-11-30"),
        (Cadence("quarterly"), "2026-12-31T23:00", "2026-10-01", "2027-01-01"),
    ],
)
def test_a_moment_lies_in_this_period(cadence: Cadence, moment: str, start: str, end: str) -> None:
    assert span_of(cadence, SHANGHAI, at(moment)) == span(start, end)


@given(cadences, zones, moments)
def test_periods_tile_the_line_without_gaps(cadence: Cadence, zone: ZoneInfo, moment: datetime) -> None:
    here = span_of(cadence, zone, moment)
    assert moment in here
    following = next_span(cadence, zone, here)
    assert following.start == here.end
    assert following == span_of(cadence, zone, here.end)
    assert span_of(cadence, zone, here.end - timedelta(microseconds=1)) == here
    assert here.start.tzinfo is UTC


@given(cadences, cadences, zones, zones, moments)
def test_after_a_change_of_cadence_or_zone_there_is_no_gap_and_no_sliver(
    before: Cadence, after: Cadence, old: ZoneInfo, new: ZoneInfo, moment: datetime
) -> None:
    here = span_of(before, old, moment)
    following = next_span(after, new, here)
    assert following.start == here.end
    around = span_of(after, new, here.end)
    assert following.end - following.start >= (around.end - around.start) / 2
    assert next_span(after, new, following) == span_of(after, new, following.end)


def test_eight_hours_between_two_zones_are_no_period_of_their_own() -> None:
    old = span_of(Cadence(), SHANGHAI, at("2026-11-10"))
    moved = next_span(Cadence(), UTC, old)
    assert moved == Span(at("2026-12-01"), datetime(2027, 1, 1, tzinfo=UTC))


def test_midnight_that_a_clock_skips_is_the_moment_of_the_change() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # 2024-04-26 00:00 became 01:00
    start = midnight(date(2024, 4, 26), cairo)
    assert start.astimezone(cairo).isoformat() == "2024-04-26T01:00:00+03:00"
    assert (start - timedelta(seconds=1)).astimezone(cairo).day == 25


# --- days ------------------------------------------------------------------------------------------------------------


def test_today_counts_among_the_days_left() -> None:
    december = span("2026-12-01", "2027-01-01")
    assert days(december, SHANGHAI) == 31
    assert days_left(december, SHANGHAI, at("2026-12-01T00:00")) == 31
    assert days_left(december, SHANGHAI, at("2026-12-31T23:59")) == 1
    assert days_left(december, SHANGHAI, at("2026-11-20")) == 31
    assert days_left(december, SHANGHAI, at("2027-01-01")) == 0


@given(cadences, zones, moments)
def test_days_left_run_from_all_to_one(cadence: Cadence, zone: ZoneInfo, moment: datetime) -> None:
    here = span_of(cadence, zone, moment)
    assert 1 <= days_left(here, zone, moment) <= days(here, zone)
    assert days_left(here, zone, here.start) == days(here, zone)
    assert days_left(here, zone, here.end - timedelta(microseconds=1)) == 1


def test_a_month_in_which_the_clock_changes_has_as_many_days() -> None:
    march = span_of(Cadence(), BERLIN, datetime(2026, 3, 15, tzinfo=UTC))
    assert days(march, BERLIN) == 31
    assert march.end - march.start == timedelta(days=31) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("amount", "unit", "now", "part"),
    [
        (100_000_000, Unit.USD, "2026-12-17", 48_390_000),  # 15/31 of 100 is 48.387…
        (100_000_000, Unit.USD, "2026-12-01", 100_000_000),
        (100, Unit.CREDITS, "2026-12-31", 4),
        (500_000, Unit.TOKENS, "2026-12-17", 241_936),
        (1, Unit.USD, "2026-12-31", 1),  # never more than the whole
        (0, Unit.USD, "2026-12-17", 0),
        (100, Unit.CREDITS, "2027-01-01", 0),
    ],
)
def test_a_joiner_gets_the_days_that_are_left_rounded_up(
    amount: int, unit: Unit, now: str, part: int
) -> None:
    assert pro_rata(amount, span("2026-12-01", "2027-01-01"), SHANGHAI, at(now), unit) == part


@given(st.integers(0, 2**53), cadences, zones, moments, st.sampled_from(Unit))
def test_a_part_is_at_least_exact_and_at_most_a_cent_or_one_more(
    amount: int, cadence: Cadence, zone: ZoneInfo, now: datetime, unit: Unit
) -> None:
    here = span_of(cadence, zone, now)
    part = pro_rata(amount, here, zone, now, unit)
    exact = amount * days_left(here, zone, now)
    assert exact <= part * days(here, zone) or part == amount
    assert part <= amount
    assert part * days(here, zone) < exact + max(1, unit.scale // 100) * days(here, zone)


# --- waking time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-12-02T10:00", 4, "2026-12-02T14:00"),
        ("2026-12-02T18:00", 4, "2026-12-03T10:00"),  # Wednesday evening
        ("2026-12-02T23:00", 4, "2026-12-03T12:00"),
        ("2026-12-03T03:00", 4, "2026-12-03T12:00"),
        ("2026-12-04T18:00", 4, "2026-12-07T10:00"),  # Friday evening
        ("2026-12-05T12:00", 1, "2026-12-07T09:00"),
        ("2026-12-02T10:00", 24, "2026-12-04T10:00"),  # twelve hours a day
        ("2026-12-02T10:00", 72, "2026-12-10T10:00"),
        ("2026-12-02T16:00", 4, "2026-12-02T20:00"),
        ("2026-12-02T22:00", 0, "2026-12-02T22:00"),
    ],
)
def test_only_time_that_is_not_quiet_counts(start: str, hours: int, end: str) -> None:
    assert awake_after(at(start), timedelta(hours=hours), WORKDAYS, SHANGHAI) == at(end)


def test_without_quiet_time_every_hour_counts() -> None:
    for nothing in (None, Quiet()):
        assert awake_after(at("2026-12-05"), timedelta(hours=30), nothing, SHANGHAI) == at("2026-12-06T06:00")
        assert awake_between(at("2026-12-05"), at("2026-12-06T06:00"), nothing, SHANGHAI) == timedelta(
            hours=30
        )


def test_a_week_of_work_has_sixty_hours_also_when_the_clock_changes() -> None:
    assert awake_between(at("2026-12-07"), at("2026-12-14"), WORKDAYS, SHANGHAI) == timedelta(hours=60)
    changing = span("2026-03-28", "2026-04-04", BERLIN)
    assert awake_between(changing.start, changing.end, WORKDAYS, BERLIN) == timedelta(hours=60)
    nights = Quiet((time(8), time(20)))
    assert awake_between(changing.start, changing.end, nights, BERLIN) == timedelta(hours=7 * 12 - 1)


def test_nothing_passes_backwards() -> None:
    assert awake_between(at("2026-12-08"), at("2026-12-07"), WORKDAYS, SHANGHAI) == timedelta()
    assert awake_between(at("2026-12-08"), at("2026-12-07"), None, SHANGHAI) == timedelta()


def test_when_every_day_is_quiet_it_is_a_far_day_and_not_an_endless_search() -> None:
    start = at("2026-12-08")
    far = awake_after(start, timedelta(hours=1), Quiet(None, frozenset(range(7))), SHANGHAI)
    assert timedelta(days=3650) < far - start < timedelta(days=3670)


@given(quiets, zones, moments, st.timedeltas(timedelta(), timedelta(days=4)))
def test_waiting_and_measuring_agree(
    quiet: Quiet | None, zone: ZoneInfo, start: datetime, wait: timedelta
) -> None:
    end = awake_after(start, wait, quiet, zone)
    assert awake_between(start, end, quiet, zone) == wait
    if wait:
        assert awake_between(start, end - timedelta(microseconds=1), quiet, zone) < wait


@given(
    quiets, zones, moments, st.lists(st.timedeltas(timedelta(), timedelta(days=9)), min_size=2, max_size=2)
)
def test_waking_time_adds_up(
    quiet: Quiet | None, zone: ZoneInfo, start: datetime, parts: list[timedelta]
) -> None:
    middle, end = start + parts[0], start + parts[0] + parts[1]
    whole = awake_between(start, end, quiet, zone)
    assert whole == awake_between(start, middle, quiet, zone) + awake_between(middle, end, quiet, zone)
    assert timedelta() <= whole <= end - start


@given(quiets, zones, moments)
def test_quiet_is_what_the_clock_on_the_wall_says(
    quiet: Quiet | None, zone: ZoneInfo, moment: datetime
) -> None:
    moment = moment.replace(second=0, microsecond=0)
    near = [(moment + timedelta(hours=step)).astimezone(zone).utcoffset() for step in range(-30, 31)]
    if quiet is None or len(set(near)) > 1:  # the hours of a change have tests of their own
        return
    wall = moment.astimezone(zone)
    asleep = wall.weekday() in quiet.days or (quiet.hours is not None and _within(wall.time(), *quiet.hours))
    if quiet.hours and quiet.hours[0] > quiet.hours[1]:
        asleep = asleep or wall.time() < quiet.hours[1]
    instant = timedelta(microseconds=1)
    assert awake_between(moment, moment + instant, quiet, zone) == (timedelta() if asleep else instant)


def _within(now: time, begin: time, end: time) -> bool:
    return begin <= now < end if begin < end else now >= begin or now < end


# Holidays

CHINA = Quiet((time(20), time(8)), frozenset({5, 6}), (("CN", ()),))


def test_a_public_holiday_is_quiet_and_a_weekend_day_made_up_for_is_not() -> None:
    golden_week = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)  # Wednesday, 20:00 in Shanghai
    assert awake_after(golden_week, timedelta(hours=1), CHINA, SHANGHAI) == datetime(
        2026, 10, 8, 1, 0, tzinfo=UTC
    )
    saturday = datetime(2026, 10, 10, 0, 0, tzinfo=UTC)  # made up for 7 October
    assert awake_between(saturday, saturday + timedelta(hours=4), CHINA, SHANGHAI) == timedelta(hours=4)
    sunday = saturday + timedelta(days=1)
    assert awake_between(sunday, sunday + timedelta(hours=4), CHINA, SHANGHAI) == timedelta()


def test_holidays_count_where_their_people_are() -> None:
    new_york = ZoneInfo("America/New_York")
    by_zone = Quiet(None, frozenset(), (("CN", ("Asia/Shanghai",)), ("US", ("America/New_York",))))
    fourth, first = datetime(2025, 7, 4, 16, 0, tzinfo=UTC), datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert awake_between(fourth, fourth + hour, by_zone, new_york) == timedelta()
    assert awake_between(fourth, fourth + hour, by_zone, SHANGHAI) == hour
    assert awake_between(first, first + hour, by_zone, SHANGHAI) == timedelta()
    assert awake_between(first, first + hour, by_zone, ZoneInfo("Europe/Paris")) == hour
