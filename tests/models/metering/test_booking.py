"""What a page of readings books, what it leaves open, and what is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, select

from models.ledger.amount import Unit
from models.ledger.audit import audit
from models.metering.accounts import accounts_of
from models.metering.booking import BookedPage, book_page, keep_usage, void_usage
from models.metering.gateway_account import GatewayAccount
from models.metering.reading import KeyUsage, Rate, Reading
from models.metering.usage import ActiveAgent, Usage
from models.policy.document import parse
from models.quota.fallback import given_to
from models.quota.wallet import wallet_of
from models.refusal import InsufficientQuota
from tests.actions import USD, cause
from tests.company import NOW, POLICY, who

FALLBACK = parse(f"{POLICY}fallback: {{models: [deepseek-*], amount: 10}}\n")
RATE = Rate.of(Unit.USD, Decimal(1))


def read(session: Session, *spent: tuple[str, int], minutes: int = 0) -> BookedPage:
    at = NOW + timedelta(minutes=minutes)
    page = [Reading(f"{name}@corp.example", usd * USD, None, at) for name, usd in spent]
    return book_page(session, page, RATE, cause(at))


def used(session: Session, name: str) -> int:
    return wallet_of(session, who(session, name).id).used // USD


def test_a_page_says_who_spent_and_which_accounts_nobody_owns(session: Session) -> None:
    first = read(session, ("robot", 2), ("alice", 1), ("bob", 1))
    assert [one.id for one in first.unlinked] == ["robot@corp.example"]
    assert first.spenders == [], "what was spent before the link is nobody's"
    second = read(session, ("alice", 1), ("bob", 4), minutes=1)
    assert second.spenders == [who(session, "bob").id]
    assert (used(session, "alice"), used(session, "bob")) == (0, 3)


def test_a_page_that_comes_twice_books_once(session: Session) -> None:
    for _ in range(2):
        read(session, ("alice", 1))
        read(session, ("alice", 9), minutes=1)
    assert used(session, "alice") == 8


def test_voided_usage_is_not_booked_again_and_never_more_than_was_used(session: Session) -> None:
    alice = who(session, "alice")
    read(session, ("alice", 0))
    read(session, ("alice", 30), minutes=1)
    with pytest.raises(InsufficientQuota) as no:
        void_usage(session, alice, 31 * USD, RATE, cause())
    assert (no.value.wanted, no.value.available) == (31 * USD, 30 * USD)
    void_usage(session, alice, 10 * USD, RATE, cause())
    read(session, ("alice", 32), minutes=2)
    assert used(session, "alice") == 22
    assert [one.due for one in accounts_of(session, alice.id)] == [True]


def test_usage_that_is_voided_is_taken_off_the_fallback_before_own_quota_comes_back(session: Session) -> None:
    alice = who(session, "alice")
    read(session, ("alice", 0))
    read(session, ("alice", 90), minutes=1)
    (account,) = accounts_of(session, alice.id)
    account.keep_models(replace(account.model_list, fallback=True))
    page = [Reading("alice@corp.example", 115 * USD, None, NOW + timedelta(minutes=2))]
    book_page(session, page, RATE, cause(NOW + timedelta(minutes=2)), policy=FALLBACK)
    assert _paid(session, alice.id) == (10, -5)
    void_usage(session, alice, 4 * USD, RATE, cause())
    assert _paid(session, alice.id) == (10, -1)
    void_usage(session, alice, 6 * USD, RATE, cause())
    assert _paid(session, alice.id) == (5, 0)
    void_usage(session, alice, 30 * USD, RATE, cause())
    assert (_paid(session, alice.id), wallet_of(session, alice.id).available // USD) == ((0, 0), 25)
    assert not audit(session).wrong


def _paid(session: Session, member: int) -> tuple[int, int]:
    return given_to(session, {member})[member].spent // USD, wallet_of(session, member).overdraft // USD


def test_days_before_the_link_are_no_usage_of_the_members(session: Session) -> None:
    read(session, ("alice", 0))
    before, since = (NOW - timedelta(days=1)).date(), NOW.date()

    def usage(account: str, day: date, key: str) -> KeyUsage:
        return KeyUsage(account, day, "opus", 2 * USD, key, input_tokens=5, output_tokens=3)

    page = [usage("alice@corp.example", before, "one"), usage("nobody", since, "one")]
    page += [usage("alice@corp.example", since, key) for key in ("one", "")]
    keep_usage(session, page, RATE, NOW)
    kept = session.exec(select(Usage)).all()
    assert [(one.day, one.amount, one.input_tokens, one.output_tokens) for one in kept] == [
        (since, 4 * USD, 10, 6)
    ]
    assert set(session.exec(select(ActiveAgent.agent)).all()) == {"one", "alice@corp.example"}


def test_all_that_was_used_can_be_voided_and_the_account_with_most_gives_first(session: Session) -> None:
    alice = who(session, "alice")
    for name, spent in (("one", 10), ("two", 20)):
        account = GatewayAccount.link(session, Reading(name, 0, None, NOW), alice)
        account.absorb(session, Reading(name, spent * USD, None, NOW + timedelta(minutes=1)), RATE, cause())
    void_usage(session, alice, 25 * USD, RATE, cause())
    assert {one.id: one.booked // USD for one in accounts_of(session, alice.id)} == {"one": 5, "two": 0}
    void_usage(session, alice, 5 * USD, RATE, cause())
    assert used(session, "alice") == 0


def test_a_key_that_may_replace_another_waits_for_the_whole_round(session: Session) -> None:
    def page(account: str, minutes: int) -> list[Reading]:
        at = NOW + timedelta(minutes=minutes)
        alices = Reading(account, 5 * USD, None, at, name="laptop", email="alice@corp.example")
        return [alices, Reading("bob@corp.example", minutes * USD, None, at)]

    book_page(session, page("old", 0), RATE, cause())
    waits = book_page(session, page("new", 1), RATE, cause())
    assert ([one.id for one in waits.later], waits.spenders) == (["new"], [who(session, "bob").id])
    book_page(session, page("new", 2), RATE, cause(), seen=["new", "bob@corp.example"])
    assert [one.id for one in accounts_of(session, who(session, "alice").id)] == ["new"]
