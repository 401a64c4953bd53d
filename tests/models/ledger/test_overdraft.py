"""An overdraft is filled from own quota at once, never from a loan; a leaver's is the organisation's."""

from __future__ import annotations

from sqlmodel import Session

from bot.database import Database
from handlers import lending, requests
from models.ledger.account import AccountKind, account_of, open_account, organisation
from models.ledger.overdraft import clear_overdraft, fill_overdraft
from models.ledger.spend import record
from models.ledger.transfer import Kind, transfer
from models.quota.wallet import wallet_of
from tests.actions import (
    DECEMBER,
    USD,
    ask_for,
    available,
    cause,
    change,
    gift,
    has,
    loan,
    say,
    sound,
    spend,
    turn,
)
from tests.company import NOW, who


def test_it_is_filled_as_far_as_own_quota_goes_and_says_how_far(session: Session) -> None:
    alice = who(session, "alice").id
    record(session, alice, 130 * USD, cause=cause())
    own = account_of(session, AccountKind.ALLOCATION, alice, NOW)
    grant = open_account(session, AccountKind.TOP_UP, NOW, member_id=alice, ends_at=DECEMBER)
    filled = []
    for target, usd in ((own, 5), (grant, 20), (own, 15), (grant, 5)):
        issued = organisation(session, AccountKind.ISSUED, NOW)
        transfer(session, Kind.ALLOCATE, usd * USD, source=issued, target=target, cause=cause())
        if target == grant:
            filled.append(fill_overdraft(session, alice, cause()) // USD)
    wallet = wallet_of(session, alice)
    assert filled == [25, 5]
    assert (wallet.overdraft, wallet.allocation, wallet.top_ups) == (0, 10 * USD, 5 * USD)


def test_the_organisation_pays_for_a_leaver_and_for_nobody_else(session: Session) -> None:
    alice = who(session, "alice")
    record(session, alice.id, 130 * USD, cause=cause())
    clear_overdraft(session, alice.id, cause())
    assert wallet_of(session, alice.id).overdraft == -30 * USD
    alice.left_at = NOW
    session.flush()
    clear_overdraft(session, alice.id, cause())
    assert wallet_of(session, alice.id).overdraft == 0


def test_a_grant_fills_the_overdraft_at_once(company: Database) -> None:
    spend(company, "alice", 130)
    gift(company, "alice", 50)
    wallet = has(company, "alice")
    assert (wallet.overdraft, wallet.top_ups, wallet.available) == (0, 20 * USD, 20 * USD)


def test_a_small_grant_fills_what_it_can(company: Database) -> None:
    spend(company, "alice", 130)
    gift(company, "alice", 10)
    assert (has(company, "alice").overdraft, has(company, "alice").top_ups) == (-20 * USD, 0)
    sound(company)


def test_an_approved_request_fills_it_too(company: Database) -> None:
    spend(company, "bob", 130)
    say(company, requests.approve, "carol", ask_for(company, "bob", 40))
    assert (has(company, "bob").overdraft, available(company, "bob")) == (0, 10)


def test_a_loan_never_fills_it_so_an_unwanted_one_stays_free(company: Database) -> None:
    spend(company, "bob", 130)
    say(company, lending.lend, "alice", "bob", 50 * USD)
    wallet = has(company, "bob")
    assert (wallet.overdraft, wallet.borrowed) == (-30 * USD, 50 * USD)
    say(company, lending.recall, "alice", "bob", None)
    assert loan(company, "alice", "bob").owed == 0
    assert (available(company, "alice"), available(company, "bob")) == (100, -30)


def test_what_is_recalled_fills_the_lenders_overdraft(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "alice", 70)
    assert available(company, "alice") == -20
    say(company, lending.recall, "alice", "bob", 30 * USD)
    assert (has(company, "alice").overdraft, has(company, "alice").allocation) == (0, 10 * USD)


def test_what_is_repaid_fills_the_lenders_overdraft(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 150)
    spend(company, "alice", 70)
    turn(company)
    assert loan(company, "alice", "bob").repaid == 50
    assert (has(company, "alice").overdraft, has(company, "alice").allocation) == (0, 130 * USD)
    sound(company)


def test_a_raised_allocation_fills_it(company: Database) -> None:
    spend(company, "alice", 130)
    change(company, ("amount: 100\n", "amount: 150\n"))
    assert (has(company, "alice").overdraft, has(company, "alice").allocation) == (0, 20 * USD)
