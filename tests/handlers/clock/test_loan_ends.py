"""A loan with an end of its own: the unspent rest goes back at the end of that day, and both hear it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from bot.database import Database
from handlers import asking, lending
from handlers.clock.loans import end_loans, warn_of_returns
from models.quota.ask import Ask
from models.refusal import BadDate
from tests.actions import DECEMBER, USD, available, ctx, loan, open_loans, say, sound, spend, told, turn
from tests.company import NOW

FRIDAY = date(2026, 11, 13)
OVER = datetime(2026, 11, 13, 16, 0, tzinfo=UTC)
"""Midnight in Shanghai: Friday is over."""


def lend(company: Database, usd: float = 50, until: date | None = FRIDAY, now: datetime = NOW) -> str:
    return say(company, lending.lend, "alice", "bob", int(usd * USD), "", until, now=now).text


def end(company: Database, now: datetime = OVER) -> None:
    company.transact(lambda session: end_loans(ctx(session, now)))


def warn(company: Database, now: datetime) -> None:
    company.transact(lambda session: warn_of_returns(ctx(session, now)))


def test_the_unspent_part_goes_back_at_the_end_of_the_day_and_both_are_told(company: Database) -> None:
    assert "by 13 Nov at the latest" in lend(company)
    assert "没用完的 11月13日 自动退回" in told(company, "bob")[-1].text
    spend(company, "bob", 120)
    end(company, OVER - timedelta(seconds=1))
    assert loan(company, "alice", "bob").unspent == 30
    end(company)
    end(company, OVER + timedelta(minutes=1))
    assert (loan(company, "alice", "bob").unspent, loan(company, "alice", "bob").owed) == (0, 20)
    assert (available(company, "alice"), available(company, "bob")) == (80, 0)
    assert "**$30.00** that Bob had not used is back" in told(company, "alice")[-1].text
    assert "你未用的 **$30.00** 已退回给 Alice" in told(company, "bob")[-1].text
    assert (len(told(company, "alice")), len(told(company, "bob"))) == (1, 2)
    sound(company)


def test_a_loan_that_ended_unused_is_closed(company: Database) -> None:
    lend(company)
    end(company)
    assert open_loans(company) == 0
    end(company, OVER + timedelta(days=1))
    assert len(told(company, "alice")) == 1


def test_a_day_beyond_the_period_is_the_end_of_the_period(company: Database) -> None:
    assert "by 30 Nov at the latest" in lend(company, until=date(2026, 12, 15))
    turn(company)
    assert loan(company, "alice", "bob").returned == 50


def test_a_day_that_has_passed_is_refused(company: Database) -> None:
    with pytest.raises(BadDate):
        lend(company, until=date(2026, 11, 8))
    with pytest.raises(BadDate):
        say(company, asking.borrow, "bob", "alice", 5 * USD, "", date(2026, 11, 8))


def test_a_second_lend_may_give_the_whole_loan_another_end(company: Database) -> None:
    lend(company, 20, until=None)
    assert "That day now holds for everything unspent of this loan: 13 Nov" in lend(company, 10)
    assert "by 13 Nov at the latest" in lend(company, 5, until=None)
    end(company)
    assert loan(company, "alice", "bob").returned == 35


def test_a_loan_that_has_ended_is_lent_to_again_until_the_period_ends(company: Database) -> None:
    lend(company)
    spend(company, "bob", 120)
    end(company)
    assert "by 30 Nov at the latest" in lend(company, 10, until=None, now=OVER + timedelta(days=1))
    end(company, OVER + timedelta(days=2))
    assert loan(company, "alice", "bob").unspent == 10


def test_both_are_warned_once_of_each_end(company: Database) -> None:
    lend(company)
    warn(company, OVER - timedelta(hours=49))
    assert told(company, "alice") == []
    warn(company, OVER - timedelta(hours=48))
    warn(company, OVER - timedelta(hours=47))
    assert "goes back on 13 Nov" in told(company, "alice")[0].text
    lend(company, 5, until=date(2026, 11, 20), now=OVER - timedelta(hours=3))
    warn(company, OVER + timedelta(days=6))
    warn(company, DECEMBER - timedelta(hours=1))
    assert len(told(company, "alice")) == 2
    assert "goes back on 20 Nov" in told(company, "alice")[1].text


def test_an_end_that_is_near_from_the_start_is_not_repeated(company: Database) -> None:
    lend(company, until=date(2026, 11, 10))
    warn(company, NOW + timedelta(hours=1))
    assert told(company, "alice") == []


def test_an_ask_carries_its_day_into_the_loan(company: Database) -> None:
    say(company, asking.borrow, "bob", "alice", 20 * USD, "", FRIDAY)
    assert "What is unspent comes back at the end of 13 Nov." in told(company, "alice")[-1].text
    code = company.transact(lambda session: session.exec(select(Ask.code)).one())
    assert "by 13 Nov at the latest" in say(company, asking.accept, "alice", code).text
    assert "unspent back on 13 Nov" in str(say(company, lending.loans, "alice").parts)
    end(company)
    assert loan(company, "alice", "bob").returned == 20
