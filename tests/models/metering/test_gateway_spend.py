"""A gateway account: what is booked of its spend, also after a refund, a reset or another owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.database import Database
from models.metering.gateway_account import GatewayAccount
from models.quota.period import Period
from tests.actions import cause, has
from tests.company import NOW, who
from tests.models.metering.test_gateway_account import RATE, USD, absorb, link, reading, written


def test_spend_before_the_link_is_nobodys_debt(company: Database) -> None:
    def work(session: Session) -> int:
        account = link(session, reading(7))
        return absorb(account, session, reading(10, minutes=1))

    assert company.transact(work) == 3 * USD
    assert has(company, "alice").used == 3 * USD


def test_an_older_reading_is_ignored(company: Database) -> None:
    def work(session: Session) -> tuple[int, int]:
        account = link(session, reading(0, minutes=5))
        return absorb(account, session, reading(9, minutes=1)), account.spent

    assert company.transact(work) == (0, 0)


def test_a_reading_that_was_stamped_ahead_of_time_bars_none_that_follow(company: Database) -> None:
    def work(session: Session) -> int:
        account = link(session, reading(0, minutes=100_000))
        return account.absorb(session, reading(9, minutes=1), RATE, cause(NOW + timedelta(minutes=1)))

    assert company.transact(work) == 9 * USD


@pytest.mark.parametrize(
    ("first", "second", "spent", "booked"),
    [
        ("monthly 2026-10-01", "monthly 2026-11-01", 48, 48),
        ("monthly 2026-11-01", "daily 2026-11-09", 2, 0),
        ("", "monthly 2026-11-01", 2, 0),
    ],
)
def test_a_new_month_counts_from_nothing_and_another_counter_from_what_it_shows(
    company: Database, first: str, second: str, spent: int, booked: int
) -> None:
    """More may be spent in a new month, when it is read first, than in all of the last one."""

    def work(session: Session) -> int:
        account = link(session, replace(reading(0), window=first))
        absorb(account, session, replace(reading(4, minutes=1), window=first))
        new = absorb(account, session, replace(reading(spent, minutes=2), window=second))
        return new + absorb(account, session, replace(reading(spent + 1, minutes=3), window=second))

    assert company.transact(work) == (booked + 1) * USD


def test_a_wallets_counter_that_is_set_back_is_no_refund_and_no_edit(company: Database) -> None:
    """What is spent after it is booked at once, and the limit goes on from there."""

    def work(session: Session) -> tuple[list[int], GatewayAccount]:
        account = link(session, reading(0, 100 * USD, refunds=True))
        booked = [absorb(account, session, reading(40, 100 * USD, 1, refunds=True))]
        account.confirm_write(100 * USD, 100 * USD, 0)
        booked += [
            absorb(account, session, reading(spent, 60 * USD, 2 + spent, refunds=True)) for spent in (0, 3)
        ]
        return booked, account

    booked, account = company.transact(work)
    assert booked == [40 * USD, 0, 3 * USD]
    assert (account.origin, account.booked, account.written, account.found) == (
        -40 * USD,
        43 * USD,
        60 * USD,
        60 * USD,
    )
    assert not account.edited
    assert account.news is None


@pytest.mark.parametrize(("refunds", "booked"), [(False, 1), (True, 0)])
def test_a_refund_is_spent_again_before_more_is_booked(company: Database, refunds: bool, booked: int) -> None:
    """A counter that can begin anew needs a second reading; then spend from there on is booked."""

    def work(session: Session) -> int:
        account = link(session, reading(0))
        absorb(account, session, reading(10, minutes=1))
        for minutes in (2, 3):
            absorb(account, session, reading(6, minutes=minutes, refunds=refunds))
        return absorb(account, session, reading(7, minutes=4, refunds=refunds))

    assert company.transact(work) == booked * USD


def test_a_handed_over_account_leaves_its_spend_with_the_first_owner(company: Database) -> None:
    def work(session: Session) -> int:
        account = link(session, reading(0))
        absorb(account, session, reading(10, minutes=1))
        account.hand_over(who(session, "bob"))
        return absorb(account, session, reading(12, minutes=2))

    assert company.transact(work) == 2 * USD
    assert (has(company, "alice").used, has(company, "bob").used) == (10 * USD, 2 * USD)


def test_what_is_taken_back_is_taken_of_this_periods_use_as_well() -> None:
    account = written(100)
    account.booked, account.used = 30, 20
    assert (account.void(12, RATE), account.booked, account.used, account.origin) == (12, 18, 8, 12)
    assert (account.void(90, RATE), account.booked, account.used) == (18, 0, 0)


@pytest.mark.parametrize(("total", "spent", "suspect"), [(71, 10, None), (70, 40, 10)])
def test_only_a_total_above_what_a_set_back_leaves_is_a_refund(
    session: Session, total: int, spent: int, suspect: int | None
) -> None:
    account = link(session, reading(0, 100 * USD, refunds=True))
    absorb(account, session, reading(40, 100 * USD, 1, refunds=True))
    absorb(account, session, reading(10, total * USD, 2, refunds=True))
    assert (account.spent, account.suspect) == (spent * USD, suspect and suspect * USD)


@pytest.mark.parametrize(("wallet", "limits"), [(False, (None, 100)), (True, (None, 103))])
def test_a_counter_that_is_set_back_again_adds_to_its_origin(
    wallet: bool, limits: tuple[int | None, int]
) -> None:
    account = written(100)
    account.origin = 5
    account.set_back(3, wallet=wallet)
    assert (account.origin, (account.found, account.written)) == (8, limits)


def test_use_is_added_up_within_a_period_and_begins_anew_with_the_next(session: Session) -> None:
    account, period = link(session, reading(0)), Period.current(session).id
    for spent in (3, 10):
        absorb(account, session, reading(spent, minutes=spent))
        assert (account.used, account.used_in) == (spent * USD, period)
    account.used_in = period - 1
    absorb(account, session, reading(11, minutes=11))
    assert (account.used, account.used_in) == (USD, period)
