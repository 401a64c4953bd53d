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
from tests.company import NOW, who

AUTO = ("requests:\n", "requests:\n  auto_approve: {share: 0.1, per_period: 2}\n")


def test_a_small_rare_request_is_granted_by_policy_and_shown_to_the_manager(company: Database) -> None:
    change(company, AUTO)
    for usd in (6, 3):
        say(company, requests.request, "bob", usd * USD, now=NOW)
    assert (has(company, "bob").top_ups, len(told(company, "carol"))) == (9 * USD, 2)
    ask_for(company, "bob", 1)
    assert state_of_newest(company) == "pending", "two a period"
    sound(company)


def test_what_was_granted_by_policy_counts_against_the_line(company: Database) -> None:
    change(company, AUTO)
    say(company, requests.request, "bob", 6 * USD)
    ask_for(company, "bob", 5)
    assert state_of_newest(company) == "pending", "6 + 5 is more than a tenth of 100"
    assert has(company, "bob").top_ups == 6 * USD


def test_nothing_is_granted_by_policy_in_a_month_in_which_somebody_was_declined(company: Database) -> None:
    change(company, AUTO)
    say(company, requests.decline, "carol", ask_for(company, "bob", 50), "not now")
    ask_for(company, "bob", 5)
    assert state_of_newest(company) == "pending"
    turn(company)
    say(company, requests.cancel, "bob", newest_of_bob(company), now=DECEMBER + timedelta(hours=1))
    say(company, requests.request, "bob", 5 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(company, "bob").top_ups == 5 * USD


def newest_of_bob(company: Database) -> str:
    return company.transact(
        lambda session: session.exec(
            select(Request.code)
            .where(Request.member_id == who(session, "bob").id)
            .order_by(Request.id.desc())
        ).first()
    )


def test_nothing_is_granted_by_policy_where_nobody_can_be_told(company: Database) -> None:
    change(company, AUTO, ("[cfo@corp.example]", "[]"))
    ask_for(company, "max", 5)
    assert state_of_newest(company) == "unroutable"


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
    turn(company)
    say(company, requests.request, "bob", 10 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(company, "bob").top_ups == 10 * USD


def test_the_next_month_counts_anew(company: Database) -> None:
    change(company, AUTO)
    for _ in range(2):
        say(company, requests.request, "bob", 5 * USD)
    turn(company)
    say(company, requests.request, "bob", 10 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(company, "bob").top_ups == 10 * USD


def test_an_empty_pool_grants_nothing_by_policy(company: Database) -> None:
    change(company, AUTO, ("top_up_budget: 1000", "top_up_budget: 5"))
    ask_for(company, "pia", 10)
    assert state(company) == "pending"
