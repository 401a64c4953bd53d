"""A gateway account: what is booked of its spend, and what becomes of its limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from bot.database import Database
from models.ledger.amount import Unit
from models.metering.accounts import accounts_of
from models.metering.gateway_account import BUSY, MOST_MEANT, GatewayAccount
from models.metering.limits import Limit
from models.metering.model_list import ModelList
from models.metering.reading import News, Rate, Reading
from models.quota.period import Period
from tests.actions import cause, has
from tests.company import NOW, who

USD = 1_000_000
RATE = Rate.of(Unit.USD, Decimal(1))


def reading(spent: int, total: int | None = None, minutes: int = 0, refunds: bool = False) -> Reading:
    return Reading("alice", spent * USD, total, NOW + timedelta(minutes=minutes), refunds=refunds)


def link(session: Session, first: Reading) -> GatewayAccount:
    return GatewayAccount.link(session, first, who(session, "alice"))


def absorb(account: GatewayAccount, session: Session, new: Reading) -> int:
    return account.absorb(session, new, RATE, cause(max(account.as_of, new.as_of)))


def written(total: int, before: int | None = None) -> GatewayAccount:
    """An account for which `total` was written, as read back."""
    return GatewayAccount(
        id="a", member_id=1, total=total, before=before, written=total, as_of=NOW, adopted_at=NOW
    )


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


def test_an_edit_counts_once_two_readings_agree() -> None:
    account = written(100)
    account.total, account.before = 300, 100
    assert (account.differs, account.edited) == (True, False)
    account.before = 300
    assert account.edited


def test_a_lost_reply_is_no_edit() -> None:
    account = written(100)
    account.begin_write(300, NOW)
    account.total = account.before = 300
    assert not account.differs


def test_what_an_older_reading_shows_does_not_stand_after_a_lost_reply() -> None:
    account = written(100)
    account.total, account.as_of = 100, NOW
    account.begin_write(300, NOW + timedelta(minutes=1))
    limit = Limit(account, wanted=100)
    assert (limit.stands, limit.writable) == (False, True)
    account.as_of = NOW + timedelta(minutes=2)
    assert (limit.stands, limit.writable) == (True, False)


def test_a_lost_reply_is_no_edit_either_when_the_account_was_missing_meanwhile() -> None:
    account = written(100)
    account.begin_write(300, NOW)
    account.mark_missing()
    account.total = account.before = 300
    assert not account.differs


def test_what_use_added_to_a_write_of_ours_is_no_edit(company: Database) -> None:
    def work(session: Session) -> bool:
        account = link(session, reading(0, total=100))
        account.confirm_write(100, 100, 0)
        for minutes in (1, 2):
            absorb(account, session, replace(reading(0, total=80, minutes=minutes), ours=True))
        return account.edited

    assert not company.transact(work)


def test_what_calls_in_flight_hold_back_is_no_edit_when_it_comes_back() -> None:
    account = written(100)
    account.total = 80
    account.confirm_write(150, 150, account.in_flight)
    account.total = account.before = 170
    assert (account.held, account.edited) == (20, False)
    account.confirm(NOW)
    assert (account.written, account.held) == (170, 0)


def test_what_is_held_back_is_kept_while_calls_may_be_in_flight() -> None:
    account = written(100)
    account.held, account.spent_at = 20, NOW
    account.confirm(NOW + BUSY / 2)
    assert account.held == 20
    account.confirm(NOW + BUSY)
    assert account.held == 0


def test_a_restored_limit_may_be_overwritten() -> None:
    account = written(100)
    account.total = account.before = 300
    account.restore()
    assert (account.differs, account.due) == (False, True)


def test_a_released_account_is_not_ours_any_more() -> None:
    account = written(100)
    account.begin_write(120, NOW)
    assert account.ours
    account.release(reading(0, total=None))
    assert (account.ours, account.total) == (False, None)


def test_a_missing_account_is_nobodys_trouble_and_may_come_back(company: Database) -> None:
    def work(session: Session) -> tuple[int, int]:
        account = link(session, reading(0))
        account.fail("refused " * 100)
        account.mark_missing()
        gone = len(accounts_of(session, account.member_id))
        absorb(account, session, reading(0, minutes=1))
        return gone, len(accounts_of(session, account.member_id))

    assert company.transact(work) == (0, 1)


def test_the_limits_tried_last_are_remembered_each_once() -> None:
    account = written(100)
    for total in (1, 2, 1, *range(10, 10 + MOST_MEANT)):
        account.begin_write(total, NOW)
    assert account.meant == [1, *range(10, 10 + MOST_MEANT)]


@pytest.mark.parametrize(
    ("total", "wanted", "before", "dips"),
    [
        (80, 90, 100, True),
        (100, 90, 100, False),
        (80, 100, 100, False),
        (80, 90, 80, False),
        (None, 90, 100, False),
    ],
)
def test_only_a_call_in_flight_makes_a_limit_dip(
    total: int | None, wanted: int, before: int, dips: bool
) -> None:
    account = written(100, before)
    account.total = total
    assert account.dips_below(wanted) == dips


@pytest.mark.parametrize(
    "odd", [{"due": True}, {"meant": [7]}, {"held": 5}, {"error": "no"}, {"written": 90}]
)
def test_a_right_limit_that_stands_there_is_taken_as_it_is(odd: dict[str, object]) -> None:
    account = written(100)
    for name, value in odd.items():
        setattr(account, name, value)
    account.confirm(NOW)
    assert (account.written, account.meant, account.held, account.due, account.error) == (
        100,
        [],
        0,
        False,
        None,
    )


def test_a_right_limit_of_which_nothing_is_odd_changes_no_row(session: Session) -> None:
    account = link(session, reading(0, total=100))
    account.confirm_write(100, 100, 0)
    session.flush()
    account.confirm(NOW)
    assert not session.is_modified(account)


def test_a_released_account_keeps_the_gateways_limit_and_nothing_of_ours() -> None:
    account = written(100)
    account.held, account.error, account.news = 5, "no", News.EDITED
    account.release(reading(0, total=30))
    assert (account.total, account.written, account.meant) == (30, None, [])
    assert (account.held, account.error, account.news) == (0, None, None)


def test_an_account_is_locked_by_its_id(session: Session) -> None:
    account = link(session, reading(0))
    assert GatewayAccount.locked(session, "alice") is account
    assert GatewayAccount.locked(session, "bob") is None


def test_what_is_taken_back_is_taken_of_this_periods_use_as_well() -> None:
    account = written(100)
    account.booked, account.used = 30, 20
    assert (account.void(12, RATE), account.booked, account.used, account.origin) == (12, 18, 8, 12)
    assert (account.void(90, RATE), account.booked, account.used) == (18, 0, 0)


def test_a_limit_is_compared_at_once_after_another_owner_or_an_edit_and_not_after_it_was_right(
    session: Session,
) -> None:
    account = written(100)
    account.hand_over(who(session, "bob"))
    assert account.due
    account.confirm_write(100, 100, 0)
    assert account.due, "it may have become due since the write began"
    account.confirm(NOW)
    assert not account.due
    account.total = 70
    account.adopt()
    assert (account.due, account.written) == (True, 70)


def test_a_failure_is_kept_in_five_hundred_characters_until_the_account_is_missing() -> None:
    account = written(100)
    account.fail("x" * 600)
    assert account.error == "x" * 500
    account.due = True
    account.mark_missing()
    assert (account.news, account.gone, account.due, account.error) == (News.GONE, True, False, None)
    account.news = None
    account.mark_missing()
    assert account.news is None, "it is told once"


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


def test_a_list_that_was_written_and_read_back_is_ours_until_it_is_given_back() -> None:
    account = written(100)
    account.keep_models(ModelList().read(("gpt",)))
    account.begin_models(("cheap",), NOW)
    assert (account.meant_at, account.model_list.meant) == (NOW, (("cheap",),))
    account.confirm_models(("cheap",), ours=True, fallback=True)
    assert account.model_list == ModelList(("cheap",), ("gpt",), ("cheap",), fallback=True)
    account.confirm_models(("gpt",), ours=False, fallback=False)
    assert account.model_list == ModelList(("gpt",), ("gpt",))


def test_what_was_compared_is_not_due_any_more(session: Session) -> None:
    account = written(100)
    account.hand_over(who(session, "bob"))
    account.settle()
    assert account.due is False
