"""Somebody leaves: loans close both ways, what is unspent goes back or expires, nothing of theirs stays open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import asking, delegations, lending, requests
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


def lend(company: Database, lender: str, borrower: str, usd: float) -> None:
    say(company, lending.lend, lender, borrower, int(usd * USD))


def go(company: Database, name: str) -> None:
    company.transact(lambda session: leave(session, who(session, name), NOW))
    assert has(company, name).available == 0
    sound(company)


def expired(company: Database) -> float:
    held = company.transact(
        lambda session: session.exec(
            select(Account.balance).where(Account.kind == AccountKind.EXPIRED)
        ).first()
    )
    return (held or 0) / USD


def test_what_is_left_expires_and_what_was_spent_stays_spent(company: Database) -> None:
    spend(company, "alice", 30)
    go(company, "alice")
    assert (has(company, "alice").entitlement, expired(company)) == (30 * USD, 70)


def test_what_they_borrowed_and_did_not_spend_goes_back(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    go(company, "bob")
    assert (available(company, "alice"), open_loans(company)) == (100, 0)


def test_what_they_lent_and_is_unspent_comes_back_and_expires(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    go(company, "alice")
    assert (available(company, "bob"), expired(company), open_loans(company)) == (100, 100, 0)


def test_what_they_are_owed_is_forgiven(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 120)
    go(company, "alice")
    sums = loan(company, "alice", "bob")
    assert (sums.forgiven, sums.owed, available(company, "bob"), open_loans(company)) == (20, 0, 0, 0)


def test_what_they_owe_is_paid_by_the_organisation_where_the_team_has_no_budget(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 150)
    go(company, "bob")
    assert (available(company, "alice"), pool(company)) == (100, 1000)


def test_what_they_owe_is_paid_by_their_teams_pool_first(company: Database) -> None:
    lend(company, "quinn", "pia", 300)
    spend(company, "pia", 800)
    go(company, "pia")
    assert (available(company, "quinn"), pool(company)) == (500, 700)


def test_what_the_pool_lacks_the_organisation_pays_over_several_debts(company: Database) -> None:
    change(company, ("top_up_budget: 1000", "top_up_budget: 50"))
    for name in ("alice", "bob", "eve"):
        lend(company, name, "pia", 40)
    spend(company, "pia", 620)
    go(company, "pia")
    assert [available(company, name) for name in ("alice", "bob", "eve")] == [100, 100, 100]
    assert pool(company) == 0


def test_a_lender_in_overdraft_is_filled_by_it(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "alice", 70)
    go(company, "bob")
    assert (available(company, "alice"), has(company, "alice").overdraft) == (30, 0)


def test_their_overdraft_is_cleared_by_the_organisation(company: Database) -> None:
    spend(company, "alice", 130)
    go(company, "alice")
    assert has(company, "alice").entitlement == 130 * USD


def test_their_overdraft_takes_what_comes_back_first(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "alice", 70)
    go(company, "alice")
    assert expired(company) == 30


def test_an_unspent_grant_goes_back_to_the_pool_that_paid(company: Database) -> None:
    say(company, requests.approve, "lee", ask_for(company, "pia", 200))
    spend(company, "pia", 550)
    go(company, "pia")
    assert pool(company) == 950


def test_an_admins_grant_expires(company: Database) -> None:
    gift(company, "alice", 25)
    go(company, "alice")
    assert expired(company) == 125


def test_their_open_request_is_void_and_nobody_can_approve_it(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    go(company, "bob")
    assert request(company, code).state == "void"
    with pytest.raises(Exception, match="void"):
        say(company, requests.approve, "carol", code)


def test_their_asks_to_borrow_and_stand_ins_end(company: Database) -> None:
    say(company, asking.borrow, "bob", "alice", 5 * USD)
    say(company, delegations.delegate, "bob", "eve", (NOW + timedelta(days=3)).date())
    say(company, delegations.delegate, "eve", "bob", (NOW + timedelta(days=3)).date())
    go(company, "bob")
    assert company.transact(lambda session: session.exec(select(Ask.state)).all()) == ["expired"]
    assert company.transact(lambda session: session.exec(select(Delegation)).all()) == []


def test_leaving_twice_is_leaving_once(company: Database) -> None:
    go(company, "alice")
    before = balances(company)
    go(company, "alice")
    assert balances(company) == before


def test_who_has_left_is_nobody_to_the_bot(company: Database) -> None:
    go(company, "bob")
    with pytest.raises(UnknownSender):
        company.transact(lambda session: Member.at(session, "slack:U02BOB"))
    with pytest.raises(NotAColleague):
        say(company, lending.lend, "alice", "bob", USD)


def test_the_next_months_give_them_nothing(company: Database) -> None:
    go(company, "bob")
    turn(company, DECEMBER)
    assert has(company, "bob").available == 0
    sound(company)


def test_before_the_first_policy_leaving_is_only_leaving(database: Database) -> None:
    def settle(session: Session) -> None:
        member = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW)
        session.add(member)
        session.flush()
        leave(session, member, NOW)
        assert not member.active

    database.transact(settle)
