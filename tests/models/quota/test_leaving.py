"""Somebody leaves: loans close both ways, what is unspent goes back or expires, nothing of theirs stays open."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import asking, delegations, lending, requests
from models.ledger.account import Account, AccountKind
from models.ledger.transfer import Transfer
from models.people.authority import Authority, What
from models.people.member import Member
from models.policy import document
from models.policy.calendar import pro_rata
from models.quota.ask import Ask
from models.quota.closing import begin_turn
from models.quota.delegation import Delegation
from models.quota.leaving import EndedDelegation, come_back, leave
from models.quota.period import Period
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
from tests.company import NOW, POLICY, who


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


def test_whom_a_leaving_concerns_is_returned_with_what_came_back_and_what_was_settled(
    company: Database,
) -> None:
    lend(company, "alice", "bob", 50)
    lend(company, "bob", "eve", 20)
    spend(company, "bob", 110)
    found = company.transact(lambda session: leave(session, who(session, "bob"), NOW))
    alice, eve = company.transact(lambda session: [who(session, one).id for one in ("alice", "eve")])
    assert {(one.other_id, one.lent, one.back // USD, one.settled // USD) for one in found.loans} == {
        (alice, False, 20, 30), (eve, True, 20, 0),
    }  # fmt: skip


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
    assert (loan(company, "alice", "bob").repaid, loan(company, "alice", "bob").owed) == (50, 0)


def test_what_they_owe_is_paid_by_their_teams_pool_first(company: Database) -> None:
    lend(company, "quinn", "pia", 300)
    spend(company, "pia", 800)
    go(company, "pia")
    assert (available(company, "quinn"), pool(company)) == (500, 700)
    assert (loan(company, "quinn", "pia").repaid, loan(company, "quinn", "pia").owed) == (300, 0)


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
    found = company.transact(lambda session: leave(session, who(session, "bob"), NOW))
    eve = company.transact(lambda session: who(session, "eve").id)
    assert found.delegations == (
        EndedDelegation(eve, from_leaver=True),
        EndedDelegation(eve, from_leaver=False),
    )
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


def back(company: Database, name: str, now: datetime = NOW) -> int | None:
    def work(session: Session) -> int | None:
        member = who(session, name)
        member.left_at = None
        return come_back(session, member, now)

    return company.transact(work)


def test_who_comes_back_has_again_what_was_taken_and_only_once(company: Database) -> None:
    spend(company, "alice", 30)
    go(company, "alice")
    assert (back(company, "alice"), available(company, "alice")) == (70 * USD, 70)
    assert (back(company, "alice"), available(company, "alice")) == (0, 70)
    posted = company.transact(lambda session: session.exec(select(Transfer).order_by(Transfer.id)).all()[-1])
    assert (posted.kind, posted.actor, posted.policy, posted.reason) == ("allocate", "policy", 1, "")
    sound(company)


def test_who_comes_back_late_has_their_base_for_the_days_that_are_left(company: Database) -> None:
    go(company, "alice")
    late = NOW + timedelta(days=14)
    policy = document.parse(POLICY)
    span = company.transact(lambda session: Period.current(session).span)
    part = pro_rata(100 * USD, span, policy.zone, late, policy.unit)
    assert 0 < part < 50 * USD
    assert (back(company, "alice", late), has(company, "alice").available) == (part, part)


def test_who_leaves_and_comes_back_twice_gets_back_what_was_taken_last(company: Database) -> None:
    go(company, "alice")
    assert back(company, "alice") == pytest.approx(73.33 * USD, abs=0.01 * USD)
    spend(company, "alice", 50)
    go(company, "alice")
    assert back(company, "alice") == pytest.approx(23.33 * USD, abs=0.01 * USD)
    sound(company)


def test_what_was_booked_while_they_were_away_is_paid_by_the_organisation(company: Database) -> None:
    spend(company, "alice", 30)
    go(company, "alice")
    spend(company, "alice", 20)
    assert (back(company, "alice"), available(company, "alice")) == (70 * USD, 70)
    sound(company)


def test_who_had_nothing_taken_gets_nothing_back(company: Database) -> None:
    spend(company, "alice", 100)
    go(company, "bob")
    go(company, "alice")
    assert back(company, "alice") == 0


def test_nothing_comes_back_in_a_later_month_nor_while_one_closes(company: Database) -> None:
    go(company, "alice")
    company.transact(lambda session: begin_turn(session, DECEMBER))
    assert back(company, "alice", DECEMBER) is None
    company.transact(lambda session: leave(session, who(session, "alice"), DECEMBER))
    turn(company)
    assert back(company, "alice", DECEMBER) is None
    assert has(company, "alice").available == 0


def test_before_the_first_policy_nothing_comes_back(database: Database) -> None:
    def work(session: Session) -> int | None:
        member = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW)
        session.add(member)
        session.flush()
        return come_back(session, member, NOW)

    assert database.transact(work) is None


def test_a_stand_in_that_has_ended_already_concerns_nobody(company: Database) -> None:
    say(company, delegations.delegate, "bob", "eve", (NOW + timedelta(days=3)).date())
    ends = company.transact(lambda session: session.exec(select(Delegation.until_at)).one())
    assert company.transact(lambda session: leave(session, who(session, "bob"), ends)).delegations == ()


def test_a_leaving_is_on_record(company: Database) -> None:
    company.transact(lambda session: leave(session, who(session, "bob"), NOW, "admin:ops"))
    row = company.transact(
        lambda session: session.exec(select(Authority).where(Authority.what == What.LEFT)).one()
    )
    bob = company.transact(lambda session: who(session, "bob").id)
    assert (row.member_id, row.was, row.becomes, row.actor, row.at) == (bob, "here", "away", "admin:ops", NOW)
