"""A gateway account: what becomes of its limit and its list."""

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
from tests.actions import cause
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
