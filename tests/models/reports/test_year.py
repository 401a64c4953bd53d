"""The organisation's year against its budget."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.database import Database
from models.reports.year import year
from tests.actions import USD, after, spend

ZONE = ZoneInfo("Asia/Shanghai")


def test_a_year_burns_down_and_says_when_it_ends(company: Database) -> None:
    spend(company, "pia", 280)
    now = after(days=3)
    found = company.transact(lambda session: year(session, 900 * USD, ZONE, now))
    assert (found.spent, found.left) == (280 * USD, 620 * USD)
    assert found.projected > 900 * USD
    assert found.runs_out is not None
    assert now.date() < found.runs_out <= date(2026, 12, 31)
    assert [one.left for one in found.months][-2:] == [900 * USD, 620 * USD]


def test_a_budget_that_lasts_has_no_end(company: Database) -> None:
    spend(company, "pia", 28)
    found = company.transact(lambda session: year(session, 10_000 * USD, ZONE, after(days=3)))
    assert found.runs_out is None


def test_where_a_year_ends_is_an_estimate_of_three_digits_and_no_less_than_what_is_spent(
    company: Database,
) -> None:
    spend(company, "pia", 28.123456)
    found = company.transact(lambda session: year(session, 10_000 * USD, ZONE, after(days=3)))
    assert len(str(found.projected).rstrip("0")) <= 3
    last = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    assert company.transact(lambda session: year(session, 10_000 * USD, ZONE, last)).projected == round(
        28.123456 * USD
    )


def test_the_band_is_the_slowest_and_the_busiest_of_the_last_four_weeks(company: Database) -> None:
    company.transact(lambda session: session.connection().exec_driver_sql(
        "UPDATE period SET starts_at = '2026-10-01 16:00:00.000000'") and None)  # fmt: skip
    for day, amount in ((20, 10), (12, 40), (5, 20), (2, 30)):
        spend(company, "pia", amount, now=after(days=28 - day))
    now = after(days=28)
    found = company.transact(lambda session: year(session, 10_000 * USD, ZONE, now))
    rest = (datetime(2026, 12, 31, 16, tzinfo=UTC) - now) / timedelta(weeks=1)
    assert found.spent == 100 * USD
    assert abs(found.low - found.spent) < USD
    assert abs(found.high - found.spent - 50 * USD * rest) < 5 * USD
    assert found.low <= found.projected <= found.high


def test_before_a_week_has_passed_there_is_no_band(company: Database) -> None:
    spend(company, "pia", 28, now=after(days=-5))
    found = company.transact(lambda session: year(session, 10_000 * USD, ZONE, after(days=-4)))
    assert found.low == found.projected == found.high > 28 * USD
