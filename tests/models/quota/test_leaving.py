"""Somebody leaves: loans close both ways, what is unspent goes back or expires, nothing of theirs stays open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending, requests
from models.ledger.account import Account, AccountKind
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.delegation import Delegation
from models.quota.leaving import leave
from models.refusal import NotAColleague, UnknownSender
from tests.actions import (
    DECEMBER,
    USD,
    ask_for,
    available,
    balances,
    change,
    gift,
    has,
    loan,
    open_loans,
    pool,
    request,
    say,
    sound,
    spend,
    turn,
)
from tests.company import NOW, who


def lend(town: Database, lender: str, borrower: str, usd: float) -> None:
    say(town, lending.lend, lender, borrower, int(usd * USD))


def go(town: Database, name: str) -> None:
    town.transact(lambda session: leave(session, who(session, name), NOW))
    assert has(town, name).available == 0
    sound(town)


def expired(town: Database) -> float:
    held = town.transact(
        lambda session: session.exec(
            select(Account.balance).where(Account.kind == AccountKind.EXPIRED)
        ).first()
    )
    return (held or 0) / USD


def test_what_is_left_expires_and_what_was_spent_stays_spent(town: Database) -> None:
    spend(town, "alice", 30)
    go(town, "alice")
    assert (has(town, "alice").entitlement, expired(town)) == (30 * USD, 70)


def test_what_they_borrowed_and_did_not_spend_goes_back(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    go(town, "bob")
    assert (available(town, "alice"), open_loans(town)) == (100, 0)


def test_what_they_lent_and_is_unspent_comes_back_and_expires(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    go(town, "alice")
    assert (available(town, "bob"), expired(town), open_loans(town)) == (100, 100, 0)


def test_what_they_are_owed_is_forgiven(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 120)
    go(town, "alice")
    sums = loan(town, "alice", "bob")
    assert (sums.forgiven, sums.owed, available(town, "bob"), open_loans(town)) == (20, 0, 0, 0)


def test_what_they_owe_is_paid_by_the_organisation_where_the_team_has_no_budget(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 150)
    go(town, "bob")
    assert (available(town, "alice"), pool(town)) == (100, 1000)


def test_what_they_owe_is_paid_by_their_teams_pool_first(town: Database) -> None:
    lend(town, "quinn", "pia", 300)
    spend(town, "pia", 800)
    go(town, "pia")
    assert (available(town, "quinn"), pool(town)) == (500, 700)


def test_what_the_pool_lacks_the_organisation_pays_over_several_debts(town: Database) -> None:
    change(town, ("top_up_budget: 1000", "top_up_budget: 50"))
    for name in ("alice", "bob", "eve"):
        lend(town, name, "pia", 40)
    spend(town, "pia", 620)
    go(town, "pia")
    assert [available(town, name) for name in ("alice", "bob", "eve")] == [100, 100, 100]
    assert pool(town) == 0


def test_a_lender_in_overdraft_is_filled_by_it(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "alice", 70)
    go(town, "bob")
    assert (available(town, "alice"), has(town, "alice").overdraft) == (30, 0)


def test_their_overdraft_is_cleared_by_the_organisation(town: Database) -> None:
    spend(town, "alice", 130)
    go(town, "alice")
    assert has(town, "alice").entitlement == 130 * USD


def test_their_overdraft_takes_what_comes_back_first(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "alice", 70)
    go(town, "alice")
    assert expired(town) == 30


def test_an_unspent_grant_goes_back_to_the_pool_that_paid(town: Database) -> None:
    say(town, requests.approve, "lee", ask_for(town, "pia", 200))
    spend(town, "pia", 550)
    go(town, "pia")
    assert pool(town) == 950


def test_an_admins_grant_expires(town: Database) -> None:
    gift(town, "alice", 25)
    go(town, "alice")
    assert expired(town) == 125


def test_their_open_request_is_void_and_nobody_can_approve_it(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    go(town, "bob")
    assert request(town, code).state == "void"
    with pytest.raises(Exception, match="void"):
        say(town, requests.approve, "carol", code)


def test_their_asks_to_borrow_and_stand_ins_end(town: Database) -> None:
    say(town, lending.borrow, "bob", "alice", 5 * USD)
    say(town, requests.delegate, "bob", "eve", (NOW + timedelta(days=3)).date())
    say(town, requests.delegate, "eve", "bob", (NOW + timedelta(days=3)).date())
    go(town, "bob")
    assert town.transact(lambda session: session.exec(select(Ask.state)).all()) == ["expired"]
    assert town.transact(lambda session: session.exec(select(Delegation)).all()) == []


def test_leaving_twice_is_leaving_once(town: Database) -> None:
    go(town, "alice")
    before = balances(town)
    go(town, "alice")
    assert balances(town) == before


def test_who_has_left_is_nobody_to_the_bot(town: Database) -> None:
    go(town, "bob")
    with pytest.raises(UnknownSender):
        town.transact(lambda session: Member.at(session, "slack:U02BOB"))
    with pytest.raises(NotAColleague):
        say(town, lending.lend, "alice", "bob", USD)


def test_the_next_months_give_them_nothing(town: Database) -> None:
    go(town, "bob")
    turn(town, DECEMBER)
    assert has(town, "bob").available == 0
    sound(town)


def test_before_the_first_policy_leaving_is_only_leaving(database: Database) -> None:
    def settle(session: Session) -> None:
        member = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW)
        session.add(member)
        session.flush()
        leave(session, member, NOW)
        assert not member.active

    database.transact(settle)
