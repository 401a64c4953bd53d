"""Own quota for the team's pool, or for the organisation: exact, for good, and never more than one's own."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.database import Database
from models.policy import document
from models.quota.gift import Gift, give, may_give
from models.refusal import InsufficientQuota
from tests.actions import DECEMBER, USD, available, cause, gift, has, pool, sound, spend, turn
from tests.company import POLICY, who


def given(company: Database, name: str, amount: int | None) -> Gift:
    def run(session: Session) -> Gift:
        return give(session, who(session, name), amount, document.parse(POLICY), cause())

    return company.transact(run)


def test_a_gift_goes_to_the_pool_of_the_team_to_the_smallest_unit(company: Database) -> None:
    done = given(company, "pia", 3 * USD + 1)
    assert (done.team, done.pool, done.left) == ("payments", 1003 * USD + 1, 497 * USD - 1)
    assert (pool(company), has(company, "pia").entitlement) == (1003.000001, 497 * USD - 1)
    sound(company)


def test_where_no_team_above_has_a_budget_it_goes_back_to_the_organisation(company: Database) -> None:
    assert given(company, "alice", None) == Gift(100 * USD, None, 0, 0)
    assert available(company, "alice") == 0
    sound(company)


def test_only_what_is_ones_own_and_unspent_can_be_given(company: Database) -> None:
    gift(company, "pia", 50)
    spend(company, "pia", 450)
    with pytest.raises(InsufficientQuota) as no:
        given(company, "pia", 51 * USD)
    assert no.value.available == 50 * USD
    given(company, "pia", None)
    with pytest.raises(InsufficientQuota):
        given(company, "pia", None)
    assert available(company, "pia") == 50
    sound(company)


def test_a_gift_ends_with_the_period_and_takes_nothing_of_the_next(company: Database) -> None:
    given(company, "pia", 100 * USD)
    turn(company, DECEMBER)
    assert available(company, "pia") == 500
    sound(company)


def test_what_would_be_given_is_said_before(session: Session) -> None:
    rules = document.parse(POLICY)
    assert may_give(session, who(session, "pia"), 1, rules) == Gift(
        1, "payments", 1000 * USD + 1, 500 * USD - 1
    )
    assert may_give(session, who(session, "alice"), 1, rules) == Gift(1, None, 1, 100 * USD - 1)
