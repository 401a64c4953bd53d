"""What somebody has: available, lendable, entitlement; an overdraft is filled from own quota, and never from a loan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.database import Database
from models.policy import document
from models.quota.wallet import Wallet, burnt
from tests.actions import DECEMBER, USD, available, gift, spend, turn
from tests.company import NOW, POLICY, who

TERMS = document.parse(POLICY)


def test_available_is_everything_one_can_spend_less_what_one_overspent() -> None:
    wallet = Wallet(allocation=50, top_ups=20, borrowed=10, overdraft=-3, used=40)
    assert (wallet.available, wallet.entitlement) == (77, 117)


@pytest.mark.parametrize(("allocation", "lendable"), [(100, 80), (20, 0), (21, 1), (0, 0), (19, 0)])
def test_a_fifth_of_the_base_stays(allocation: int, lendable: int) -> None:
    assert Wallet(allocation=allocation).lendable(TERMS, 100) == lendable


def test_what_stays_is_rounded_up() -> None:
    assert Wallet(allocation=101).lendable(TERMS, 101) == 101 - 21


def test_grants_are_not_lent_and_nothing_is_while_what_was_asked_for_is_unspent() -> None:
    assert Wallet(allocation=100, top_ups=500).lendable(TERMS, 100) == 80
    assert Wallet(allocation=100, borrowed=1, asked=1).lendable(TERMS, 100) == 0
    assert Wallet(allocation=100, borrowed=1).lendable(TERMS, 100) == 80


def test_the_policy_says_what_stays() -> None:
    lending_terms = TERMS.lending.model_copy(update={"keep_share": Decimal(0)})
    assert Wallet(allocation=100).lendable(TERMS.model_copy(update={"lending": lending_terms}), 100) == 100
    assert replace(Wallet(), allocation=7).allocation == 7


def test_grants_fill_by_their_end(company: Database) -> None:
    gift(company, "alice", 10, DECEMBER + timedelta(days=30))
    gift(company, "alice", 10, DECEMBER)
    spend(company, "alice", 110)
    turn(company)
    assert available(company, "alice") == 110, "the one that ended first was spent first"


def test_what_was_burnt_between_two_moments(company: Database) -> None:
    spend(company, "alice", 3, NOW)
    spend(company, "alice", 4, NOW + timedelta(days=2))

    def between(session, *days: float) -> int:
        first, last = (NOW + timedelta(days=day) for day in days)
        return burnt(session, who(session, "alice").id, first, last) // USD

    assert company.transact(
        lambda session: [between(session, -1, 1), between(session, 1, 3), between(session, -1, 3)]
    ) == [3, 4, 7]
