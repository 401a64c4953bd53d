"""Loans: one step to make, owed is only what was used, and nobody learns what somebody else has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import asking, lending
from handlers.clock import loans
from handlers.clock.asks import end_asks
from handlers.clock.loans import warn_of_returns
from models.policy import document
from models.quota.ask import Ask
from models.quota.closing import begin_turn
from models.quota.forgiveness import Forgiveness
from models.quota.leaving import leave
from models.quota.loan import Lent, Loan
from models.refusal import (
    CannotBorrowNow,
    InsufficientQuota,
    LendingIsOff,
    LendingToOneself,
    MoreThanDue,
    NoSuchLoan,
    NotAColleague,
    NothingOwed,
    PeriodClosing,
    UnknownCode,
    WrongUsage,
)
from tests.actions import (
    DECEMBER,
    USD,
    ask_for,
    available,
    balances,
    cause,
    change,
    ctx,
    gift,
    has,
    lend,
    loan,
    open_loans,
    refused,
    say,
    sound,
    spend,
    told,
    turn,
)
from tests.company import NOW, POLICY, who

# Lending


def test_it_works_at_once_and_both_know(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    assert (available(company, "alice"), available(company, "bob")) == (50, 150)
    assert len(told(company, "bob")) == 1


def test_a_second_lend_adds_to_the_first(company: Database) -> None:
    lend(company, "alice", "bob", 20)
    lend(company, "alice", "bob", 15)
    assert (open_loans(company), loan(company, "alice", "bob").principal) == (1, 35)


def test_nobody_lends_to_themselves(company: Database) -> None:
    refused(company, LendingToOneself, lending.lend, "alice", "alice", 5 * USD)


def test_the_policy_may_switch_lending_off(company: Database) -> None:
    change(company, more="lending: {enabled: false}\n")
    refused(company, LendingIsOff, lending.lend, "alice", "bob", 5 * USD)
    refused(company, LendingIsOff, asking.borrow, "alice", "bob", 5 * USD)


def test_nobody_lends_to_who_has_left(company: Database) -> None:
    company.transact(lambda session: leave(session, who(session, "bob"), NOW))
    refused(company, NotAColleague, lending.lend, "alice", "bob", 5 * USD)


def test_nothing_is_lent_while_the_month_closes(company: Database) -> None:
    lend(company, "alice", "bob", 20)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    for handler, name, other in (
        (lending.lend, "alice", "bob"),
        (lending.repay, "bob", "alice"),
        (lending.recall, "alice", "bob"),
        (lending.forgive, "alice", "bob"),
    ):
        refused(company, PeriodClosing, handler, name, other, 5 * USD)


def test_what_is_lent_unasked_says_nothing_of_the_receiver(company: Database) -> None:
    lend(company, "alice", "dan", 80)  # whose base is 0
    lend(company, "quinn", "bob", 400)  # four times the base


# What the borrower may ask for; the lender never hears why not


def test_a_lender_who_says_yes_never_hears_why_it_is_not_possible(company: Database) -> None:
    say(company, asking.borrow, "bob", "quinn", 5 * USD)
    asked = company.transact(lambda session: session.exec(select(Ask.code)).one())
    change(company, more="lending: {max_open_as_borrower: 0}\n")
    assert refused(company, CannotBorrowNow, asking.accept, "quinn", asked).facts == {"name": "Bob"}


# Giving back


def test_repaying_gives_back_the_unspent_first_then_pays(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 120)
    gift(company, "bob", 100)
    say(company, lending.repay, "bob", "alice", 30 * USD)
    sums = loan(company, "alice", "bob")
    assert (sums.returned, sums.repaid, sums.owed, sums.unspent) == (30, 0, 20, 0)
    refused(company, InsufficientQuota, lending.repay, "bob", "alice", 20 * USD)
    sound(company)


def test_a_grant_never_repays_a_loan(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 150)
    gift(company, "bob", 500)
    no = refused(company, InsufficientQuota, lending.repay, "bob", "alice", None)
    assert (no.wanted, no.available) == (50 * USD, 0)


def test_without_an_amount_it_is_everything_as_far_as_own_quota_goes(company: Database) -> None:
    lend(company, "quinn", "bob", 90)
    spend(company, "bob", 190)
    change(company, ("amount: 100\n", "amount: 130\n"))
    say(company, lending.repay, "bob", "quinn", None)
    assert (loan(company, "quinn", "bob").repaid, loan(company, "quinn", "bob").owed) == (30, 60)
    assert has(company, "bob").allocation == 0


def test_more_than_is_due_is_refused(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 110)
    assert refused(company, MoreThanDue, lending.repay, "bob", "alice", 51 * USD).due == 50 * USD


def test_a_loan_given_back_whole_is_closed_and_another_may_follow(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    say(company, lending.repay, "bob", "alice", None)
    assert (open_loans(company), available(company, "alice")) == (0, 100)
    lend(company, "alice", "bob", 10)
    assert open_loans(company) == 1
    assert loan(company, "alice", "bob").principal == 60


def test_old_debts_are_paid_first(company: Database) -> None:
    lend(company, "quinn", "bob", 90)
    spend(company, "bob", 190)
    turn(company)  # half of the base goes to the old one
    lend(company, "quinn", "bob", 50, now=DECEMBER)
    spend(company, "bob", 60, DECEMBER)
    change(company, ("amount: 100\n", "amount: 135\n"), now=DECEMBER)
    say(company, lending.repay, "bob", "quinn", 40 * USD + 30 * USD, now=DECEMBER)
    owed = company.transact(lambda session: [sums.owed // USD for _, sums in sums_of(session, "bob")])
    assert owed == [10, 10]


def sums_of(session, name: str):
    from models.quota.loan import loans_of  # noqa: PLC0415

    return loans_of(session, who(session, name).id)


def test_without_a_name_it_is_the_only_lender(company: Database) -> None:
    lend(company, "alice", "bob", 10)
    say(company, lending.repay, "bob", None, None)
    lend(company, "alice", "bob", 10)
    lend(company, "eve", "bob", 10)
    refused(company, WrongUsage, lending.repay, "bob", None, None)


def test_nothing_is_open_between_strangers(company: Database) -> None:
    for handler in (lending.repay, lending.recall, lending.forgive):
        refused(company, NoSuchLoan, handler, "alice", "bob", 5 * USD)


# Recalling and forgiving


def test_only_what_is_unspent_comes_back(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 120)
    assert refused(company, MoreThanDue, lending.recall, "alice", "bob", 31 * USD).due == 30 * USD
    say(company, lending.recall, "alice", "bob", None)
    sums = loan(company, "alice", "bob")
    assert (sums.returned, sums.owed, available(company, "alice")) == (30, 20, 80)
    refused(company, NothingOwed, lending.recall, "alice", "bob", None)


def test_the_borrower_cannot_recall(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    refused(company, NoSuchLoan, lending.recall, "bob", "alice", None)


def test_forgiving_moves_no_quota_and_is_a_row_of_its_own(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 150)
    before = balances(company)
    say(company, lending.forgive, "alice", "bob", 20 * USD)
    assert refused(company, MoreThanDue, lending.forgive, "alice", "bob", 31 * USD).due == 30 * USD
    say(company, lending.forgive, "alice", "bob", None)
    assert balances(company) == before
    rows = company.transact(lambda session: session.exec(select(Forgiveness)).all())
    assert [row.amount for row in rows] == [20 * USD, 30 * USD]
    assert open_loans(company) == 0


def test_only_what_is_owed_is_forgiven(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    refused(company, NothingOwed, lending.forgive, "alice", "bob", None)


def test_what_was_forgiven_is_not_collected(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 150)
    say(company, lending.forgive, "alice", "bob", 45 * USD)
    turn(company)
    assert (loan(company, "alice", "bob").repaid, available(company, "bob")) == (5, 95)


# Buttons and asks


def test_a_button_with_somebody_elses_loan_is_no_way_in(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    for value in ("1", "2", "x", "-1", "٣", "9" * 30, ""):
        refused(company, UnknownCode, lending.recall_loan, "eve", value)
    refused(company, UnknownCode, lending.recall_loan, "bob", "1")
    refused(company, UnknownCode, lending.return_loan, "alice", "1")


def an_ask(company: Database) -> str:
    say(company, asking.borrow, "bob", "alice", 40 * USD)
    return company.transact(lambda session: session.exec(select(Ask.code)).one())


def test_nothing_moves_before_the_lender_clicks(company: Database) -> None:
    code = an_ask(company)
    assert available(company, "bob") == 100
    say(company, asking.accept, "alice", code)
    assert (available(company, "bob"), loan(company, "alice", "bob").principal) == (140, 40)
    say(company, asking.accept, "alice", code)
    assert available(company, "bob") == 140, "the second click is told that it is over"


def test_only_who_was_asked_may_lend_on_it(company: Database) -> None:
    code = an_ask(company)
    refused(company, UnknownCode, asking.accept, "eve", code)
    refused(company, UnknownCode, asking.accept, "bob", code)
    say(company, asking.not_now, "alice", code)
    say(company, asking.accept, "alice", code)
    assert available(company, "bob") == 100


def test_an_ask_ends_after_a_day(company: Database) -> None:
    code = an_ask(company)
    later = NOW + timedelta(days=1)
    say(company, asking.accept, "alice", code, now=later)
    assert available(company, "bob") == 100
    company.transact(lambda session: end_asks(ctx(session, later)))
    assert company.transact(lambda session: session.exec(select(Ask.state)).one()) == "expired"
    assert len(told(company, "bob")) == 1
    company.transact(lambda session: end_asks(ctx(session, later)))
    assert len(told(company, "bob")) == 1


def test_an_ask_ends_with_the_month(company: Database) -> None:
    say(company, asking.borrow, "bob", "alice", 40 * USD, now=DECEMBER - timedelta(hours=2))
    assert company.transact(lambda session: session.exec(select(Ask.expires_at)).one()) == DECEMBER


def test_both_hear_once_that_an_unspent_loan_goes_back(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    heard = len(told(company, "alice")), len(told(company, "bob"))
    for hours in (-49, -48, -3, -1):
        company.transact(
            lambda session, h=hours: warn_of_returns(ctx(session, DECEMBER + timedelta(hours=h)))
        )
    assert (len(told(company, "alice")), len(told(company, "bob"))) == (heard[0] + 1, heard[1] + 1)


def test_many_loans_are_warned_of_a_piece_at_a_time(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loans, "PIECE", 1)
    lend(company, "alice", "bob", 50)
    lend(company, "eve", "carol", 50)
    now = DECEMBER - timedelta(hours=3)
    more = [company.transact(lambda session: warn_of_returns(ctx(session, now))) for _ in range(3)]
    assert more == [True, True, False]
    assert [len(told(company, name)) for name in ("bob", "carol")] == [2, 2]


def test_a_loan_says_what_each_has_after_it_and_whether_the_borrower_waits_for_a_manager(
    company: Database,
) -> None:
    def made(session: Session, amount: int) -> Lent:
        pair = {"lender": who(session, "alice"), "borrower": who(session, "bob")}
        return Loan.make(session, **pair, amount=amount, policy=document.parse(POLICY), cause=cause())

    spend(company, "bob", 30)
    first = company.transact(lambda session: made(session, 20 * USD))
    assert (first.amount, first.lender_left, first.borrower_left) == (20 * USD, 80 * USD, 90 * USD)
    assert (first.ends_at, first.changed, first.requests) == (DECEMBER, False, False)
    ask_for(company, "bob", 40)
    second = company.transact(lambda session: made(session, 5 * USD))
    assert (second.loan_id, second.lender_left, second.requests) == (first.loan_id, 75 * USD, True)
