"""Pace and run-out: how long a member's quota lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.database import Database
from models.metering.outlook import Outlook, needed, outlook, rounded
from models.quota.status import QuotaStatus
from models.quota.wallet import Wallet
from tests.actions import USD, after, spend
from tests.company import who


def view(database: Database, name: str, **later: int) -> Outlook:
    now = after(**later)
    return database.transact(
        lambda session: outlook(session, QuotaStatus.of(session, who(session, name).id), now)
    )


@pytest.mark.parametrize(
    ("pace", "shown"), [(0, 0), (999, 999), (1_234, 1_230), (-1_239, -1_240), (7_654_321, 7_650_000)]
)
def test_a_pace_has_three_digits(pace: int, shown: int) -> None:
    assert rounded(pace) == shown


def test_a_pace_counts_the_last_seven_days(company: Database) -> None:
    spend(company, "alice", 70, after(days=1))
    assert view(company, "alice", days=8).pace == 10 * USD
    assert view(company, "alice", days=9).pace == 0, "it was spent eight days ago"


def test_a_quota_runs_out_when_the_pace_exceeds_what_is_left(company: Database) -> None:
    spend(company, "alice", 70, after(days=1))
    ahead = view(company, "alice", days=1)
    assert ahead.pace == 10 * USD
    assert ahead.runs_out == after(days=4), "30 left at 10 a day"


def test_a_quota_that_lasts_has_no_run_out(company: Database) -> None:
    spend(company, "alice", 7, after(days=1))
    assert view(company, "alice", days=1).runs_out is None


def test_an_empty_quota_has_no_run_out(company: Database) -> None:
    spend(company, "alice", 130, after(days=1))
    assert view(company, "alice", days=1).runs_out is None


def test_what_is_needed_is_rounded_up_to_the_step() -> None:
    ahead = Outlook(10, timedelta(days=10), None)
    assert needed(ahead, Wallet(allocation=35), 1) == 65
    assert needed(ahead, Wallet(allocation=35), 50) == 100
    assert needed(ahead, Wallet(allocation=100), 50) == 0
