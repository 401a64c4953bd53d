"""A budget at one moment: its thresholds, and what a forecast is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from models.ledger.account import AccountKind, open_account
from models.ledger.transfer import Kind, transfer
from models.policy.document import parse
from models.quota.period import Period
from models.quota.pool import pool_of
from models.reports.budget import Budget, organisation, pools
from tests.actions import DECEMBER, USD, cause, spent
from tests.company import NOW, POLICY, who

HALF = Budget("pool:1", "payments", spent=500, whole=1000, forecast=1001, grounded=True)
LEVELS = (Decimal("0.5"), Decimal("0.8"), Decimal(1))


def test_left_and_percent_are_of_the_whole() -> None:
    assert (HALF.left, HALF.percent) == (500, 50)


@pytest.mark.parametrize(("spent", "levels"), [(499, 0), (500, 1), (999, 2), (1000, 3), (0, 0)])
def test_a_level_is_reached_when_it_is_spent(spent: int, levels: int) -> None:
    assert replace(HALF, spent=spent).reached(LEVELS) == list(LEVELS[:levels])


def test_nothing_spent_reaches_no_level_not_even_zero() -> None:
    assert replace(HALF, spent=0).reached((Decimal(0),)) == []


def test_a_forecast_counts_once_it_is_grounded_and_above_the_whole() -> None:
    assert HALF.overruns
    assert not replace(HALF, grounded=False).overruns
    assert not replace(HALF, forecast=1000).overruns


@pytest.mark.parametrize(("days", "grounded"), [(-2, False), (0, True)])
def test_a_pool_is_what_was_funded_and_a_quarter_of_the_period_grounds_its_forecast(
    session: Session, days: int, grounded: bool
) -> None:
    period = Period.current(session)
    pool = pool_of(session, "payments", period.id)
    assert pool is not None
    target = open_account(
        session, AccountKind.TOP_UP, NOW, member_id=who(session, "pia").id, ends_at=DECEMBER
    )
    transfer(session, Kind.GRANT, 300 * USD, source=pool.id, target=target, cause=cause())
    session.expire_all()
    (found,) = pools(session, parse(POLICY), period, NOW + timedelta(days=days))
    assert (found.team, found.spent, found.whole, found.grounded) == (
        "payments",
        300 * USD,
        1000 * USD,
        grounded,
    )
    assert pools(session, parse(POLICY.split("teams:")[0]), period, NOW) == [], (
        "a team that the policy dropped"
    )


def test_the_organisations_year_is_named_in_the_policys_zone_and_needs_a_budget(session: Session) -> None:
    spent(session, "alice", 7)
    assert organisation(session, parse(POLICY), NOW) is None
    year = parse(f"{POLICY}organisation: {{year_budget: 1000}}\n")
    found = organisation(session, year, NOW + timedelta(minutes=1))
    assert found is not None
    assert (found.key, found.team, found.spent) == ("year:2026", "", 7 * USD)
    there = organisation(session, year, datetime(2026, 12, 31, 17, tzinfo=NOW.tzinfo))
    assert there is not None
    assert (there.key, there.spent) == ("year:2027", 0)
