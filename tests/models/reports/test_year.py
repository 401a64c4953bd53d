"""The organisation's year against its budget."""

from __future__ import annotations

from datetime import UTC, date, datetime
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
