"""Spend has an order, is never refused, and is taken back where a gateway counted it by mistake."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending
from models.ledger.account import Account, AccountKind, account_of
from models.ledger.spend import record, void
from models.quota.wallet import wallet_of
from tests.actions import DECEMBER, USD, balances, cause, gift, has, loan, say, sound, spend
from tests.company import NOW, who


@pytest.mark.parametrize(("usd", "overdraft", "allocation"), [(20, -10, 0), (30, 0, 0), (50, 0, 20)])
def test_what_never_was_spent_fills_the_overdraft_first(
    session: Session, usd: int, overdraft: int, allocation: int
) -> None:
    alice = who(session, "alice").id
    assert record(session, alice, 130 * USD, cause=cause()) == 30 * USD
    void(session, alice, usd * USD, cause=cause())
    wallet = wallet_of(session, alice)
    assert (wallet.overdraft, wallet.allocation) == (overdraft * USD, allocation * USD)
    assert wallet.used == (130 - usd) * USD


def test_spend_that_was_booked_since_the_last_look_counts(session: Session) -> None:
    alice = who(session, "alice").id
    assert record(session, alice, 100 * USD, cause=cause()) == 0
    record(session, alice, 30 * USD, cause=cause())
    debt = session.get_one(Account, account_of(session, AccountKind.OVERDRAFT, alice, NOW))
    assert debt.balance == -30 * USD
    record(session, alice, 20 * USD, cause=cause())
    void(session, alice, 40 * USD, cause=cause())
    assert (wallet_of(session, alice).overdraft, wallet_of(session, alice).allocation) == (-10 * USD, 0)


def test_spend_takes_allocation_then_grants_by_end_then_loans_oldest_first_then_the_overdraft(
    company: Database,
) -> None:
    say(company, lending.lend, "alice", "bob", 10 * USD)
    say(company, lending.lend, "eve", "bob", 10 * USD)
    gift(company, "bob", 20, DECEMBER + timedelta(days=9))
    gift(company, "bob", 20, DECEMBER)
    seen = []
    for usd in (100, 20, 20, 10, 10, 10):
        spend(company, "bob", usd)
        wallet = has(company, "bob")
        ends = company.transact(
            lambda session: session.exec(
                select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP, Account.balance > 0)
            ).all()
        )
        left = wallet.allocation, wallet.top_ups, wallet.borrowed, wallet.overdraft
        seen.append((*(part // USD for part in left), len(ends), loan(company, "alice", "bob").used))
    assert seen == [
        (0, 40, 20, 0, 2, 0),
        (0, 20, 20, 0, 1, 0),
        (0, 0, 20, 0, 0, 0),
        (0, 0, 10, 0, 0, 10),
        (0, 0, 0, 0, 0, 10),
        (0, 0, 0, -10, 0, 10),
    ]
    sound(company)


def test_one_large_spend_runs_through_all_of_them(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 10 * USD)
    gift(company, "bob", 20)
    spend(company, "bob", 137.5)
    wallet = has(company, "bob")
    assert (wallet.available, wallet.overdraft, wallet.used) == (-7.5 * USD, -7.5 * USD, 137.5 * USD)
    assert wallet.entitlement == 130 * USD


def test_a_record_is_never_refused(company: Database) -> None:
    company.transact(lambda session: record(session, who(session, "dan").id, 2**50, cause=cause()))
    assert has(company, "dan").overdraft == -(2**50)
    sound(company)


def test_a_record_of_nothing_writes_nothing(company: Database) -> None:
    before = balances(company)
    assert company.transact(lambda session: record(session, who(session, "alice").id, 0, cause=cause())) == 0
    assert balances(company) == before
