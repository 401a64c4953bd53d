"""What an operator gives and takes: whole or not at all, allocation before top-ups."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session

from bot.database import Database
from models.policy import document
from models.quota.grant import give, give_team, take
from models.refusal import BadDate, InsufficientQuota
from tests.actions import USD, after, available, cause, gift, has, spend
from tests.company import POLICY, who

RULES = document.parse(POLICY)


def test_an_operator_takes_the_allocation_before_top_ups(company: Database) -> None:
    gift(company, "alice", 40)
    company.transact(lambda session: take(session, who(session, "alice"), 110 * USD, cause=cause()))
    alice = has(company, "alice")
    assert (alice.allocation, alice.top_ups) == (0, 30 * USD)


def test_an_operator_takes_all_or_nothing(company: Database) -> None:
    with pytest.raises(InsufficientQuota):
        company.transact(lambda session: take(session, who(session, "alice"), 101 * USD, cause=cause()))
    assert available(company, "alice") == 100


def test_a_grant_fills_the_overdraft_first(company: Database) -> None:
    spend(company, "alice", 120)
    company.transact(
        lambda session: give(
            session, who(session, "alice"), 50 * USD, until=None, policy=RULES, cause=cause()
        )
    )
    alice = has(company, "alice")
    assert (alice.overdraft, alice.top_ups, alice.available) == (0, 30 * USD, 30 * USD)


def test_a_grant_until_a_past_day_is_refused(session: Session) -> None:
    with pytest.raises(BadDate):
        give(
            session,
            who(session, "alice"),
            USD,
            until=date(2026, 11, 8),
            policy=RULES,
            cause=cause(after(days=1)),
        )


def test_a_team_is_given_quota_with_the_teams_below_it(session: Session) -> None:
    given = give_team(session, "Engineering", USD, until=None, policy=RULES, cause=cause())
    assert {one.name for one in given} == {"Olga", "Lee", "Pia", "Quinn"}
