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


def test_a_small_rare_request_is_granted_by_policy_and_shown_to_the_manager(company: Database) -> None:
    change(company, AUTO)
    for _ in range(2):
        say(company, requests.request, "bob", 10 * USD, now=NOW)
    assert (has(company, "bob").top_ups, len(told(company, "carol"))) == (20 * USD, 2)
    ask_for(company, "bob", 10)
    assert state_of_newest(company) == "pending"
    sound(company)


def state_of_newest(company: Database) -> str:
    return company.transact(
        lambda session: session.exec(select(Request.state).order_by(Request.id.desc())).first()
    )


def test_a_larger_request_is_asked(company: Database) -> None:
    change(company, AUTO)
    ask_for(company, "bob", 10.01)
    assert state(company) == "pending"


def test_the_manager_may_revoke_a_grant_by_policy_with_one_tap(company: Database) -> None:
    change(company, AUTO)
    say(company, requests.request, "bob", 10 * USD)
    button = told(company, "carol")[0].buttons[0]
    for stranger in ("eve", "bob", "olga"):
        with pytest.raises(UnknownCode):
            say(company, requests.revoke, stranger, button.value)
    say(company, requests.revoke, "carol", button.value)
    assert has(company, "bob").top_ups == 0
    sound(company)


def test_a_decline_with_the_word_policy_is_no_grant_by_policy(company: Database) -> None:
    for _ in range(2):
        say(company, requests.decline, "carol", ask_for(company, "bob", 10), "policy")
    change(company, AUTO)
    say(company, requests.request, "bob", 10 * USD)
    assert has(company, "bob").top_ups == 10 * USD


def test_the_next_month_counts_anew(company: Database) -> None:
    change(company, AUTO)
    for _ in range(2):
        say(company, requests.request, "bob", 10 * USD)
    turn(company)
    say(company, requests.request, "bob", 10 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(company, "bob").top_ups == 10 * USD


def test_an_empty_pool_grants_nothing_by_policy(company: Database) -> None:
    change(company, AUTO, ("top_up_budget: 1000", "top_up_budget: 5"))
    ask_for(company, "pia", 10)
    assert state(company) == "pending"
