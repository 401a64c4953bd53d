"""What policy alone may grant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot.database import Database
from handlers import requests
from models.quota.request import Request
from models.refusal import (
    UnknownCode,
)
from tests.actions import DECEMBER, USD, ask_for, change, has, say, sound, state, told, turn
from tests.company import NOW

AUTO = ("requests:\n", "requests:\n  auto_approve: {share: 0.1, per_period: 2}\n")


def test_what_is_small_and_seldom_is_granted_by_policy_and_shown_to_the_manager(town: Database) -> None:
    change(town, AUTO)
    for _ in range(2):
        say(town, requests.request, "bob", 10 * USD, now=NOW)
    assert (has(town, "bob").top_ups, len(told(town, "carol"))) == (20 * USD, 2)
    ask_for(town, "bob", 10)
    assert state_of_newest(town) == "pending"
    sound(town)


def state_of_newest(town: Database) -> str:
    return town.transact(
        lambda session: session.exec(select(Request.state).order_by(Request.id.desc())).first()
    )


def test_what_is_larger_is_asked(town: Database) -> None:
    change(town, AUTO)
    ask_for(town, "bob", 10.01)
    assert state(town) == "pending"


def test_the_manager_may_take_it_back_with_one_tap(town: Database) -> None:
    change(town, AUTO)
    say(town, requests.request, "bob", 10 * USD)
    button = told(town, "carol")[0].buttons[0]
    for stranger in ("eve", "bob", "olga"):
        with pytest.raises(UnknownCode):
            say(town, requests.revoke, stranger, button.value)
    say(town, requests.revoke, "carol", button.value)
    assert has(town, "bob").top_ups == 0
    sound(town)


def test_a_decline_with_the_word_policy_is_no_grant_by_policy(town: Database) -> None:
    for _ in range(2):
        say(town, requests.decline, "carol", ask_for(town, "bob", 10), "policy")
    change(town, AUTO)
    say(town, requests.request, "bob", 10 * USD)
    assert has(town, "bob").top_ups == 10 * USD


def test_the_next_month_counts_anew(town: Database) -> None:
    change(town, AUTO)
    for _ in range(2):
        say(town, requests.request, "bob", 10 * USD)
    turn(town)
    say(town, requests.request, "bob", 10 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(town, "bob").top_ups == 10 * USD


def test_an_empty_pool_grants_nothing_by_policy(town: Database) -> None:
    change(town, AUTO, ("top_up_budget: 1000", "top_up_budget: 5"))
    ask_for(town, "pia", 10)
    assert state(town) == "pending"
