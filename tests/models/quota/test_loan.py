"""Loans: one step to make, owed is only what was used, and nobody learns what somebody else has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot.database import Database
from handlers import lending
from handlers.clock import housekeeping
from handlers.clock.housekeeping import end_asks, warn_of_returns
from models.quota.ask import Ask
from models.quota.closing import begin_turn
from models.quota.leaving import leave
from models.quota.loan import Forgiveness, Loan, may_borrow, overdue
from models.quota.status import Standing
from models.refusal import (
    CannotBorrowNow,
    HoldsBorrowed,
    InsufficientQuota,
    LendingIsOff,
    LendingToOneself,
    MoreThanDue,
    NoSuchLoan,
    NotAColleague,
    NothingOwed,
    NotLendable,
    OverdueLoans,
    PeriodClosing,
    TooManyLoans,
    TooMuchBorrowed,
    UnknownCode,
    WrongUsage,
)
from tests.actions import (
    DECEMBER,
    NEW_YEAR,
    USD,
    available,
    balances,
    change,
    gift,
    has,
    loan,
    open_loans,
    say,
    sound,
    spend,
    told,
    turn,
    voice,
)
from tests.company import NOW, asks, who


def lend(town: Database, lender: str, borrower: str, usd: float | None, **more) -> None:
    say(town, lending.lend, lender, borrower, None if usd is None else int(usd * USD), **more)


def refused(town: Database, no: type[Exception], *words, **more) -> Exception:
    """The refusal; and nothing has moved."""
    before = balances(town)
    with pytest.raises(no) as found:
        say(town, *words, **more)
    assert balances(town) == before
    return found.value


# Lending


def test_it_works_at_once_and_both_know(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    assert (available(town, "alice"), available(town, "bob")) == (50, 150)
    assert len(told(town, "bob")) == 1


def test_all_is_everything_lendable(town: Database) -> None:
    lend(town, "alice", "bob", None)
    assert available(town, "alice") == 20
    assert refused(town, NotLendable, lending.lend, "alice", "bob", None).lendable == 0


def test_more_than_lendable_is_refused_with_what_is_lendable(town: Database) -> None:
    assert refused(town, NotLendable, lending.lend, "alice", "bob", 81 * USD).lendable == 80 * USD


def test_a_second_lend_adds_to_the_first(town: Database) -> None:
    lend(town, "alice", "bob", 20)
    lend(town, "alice", "bob", 15)
    assert (open_loans(town), loan(town, "alice", "bob").principal) == (1, 35)


def test_nobody_lends_to_themselves(town: Database) -> None:
    refused(town, LendingToOneself, lending.lend, "alice", "alice", 5 * USD)


def test_who_holds_borrowed_quota_does_not_lend_it_on(town: Database) -> None:
    lend(town, "alice", "bob", 20)
    refused(town, HoldsBorrowed, lending.lend, "bob", "eve", 5 * USD)
    spend(town, "bob", 120)
    refused(town, NotLendable, lending.lend, "bob", "eve", 5 * USD)


def test_granted_quota_is_not_lent(town: Database) -> None:
    gift(town, "alice", 500)
    refused(town, NotLendable, lending.lend, "alice", "quinn", 81 * USD)


def test_the_policy_may_switch_lending_off(town: Database) -> None:
    change(town, more="lending: {enabled: false}\n")
    refused(town, LendingIsOff, lending.lend, "alice", "bob", 5 * USD)
    refused(town, LendingIsOff, lending.borrow, "alice", "bob", 5 * USD)


def test_nobody_lends_to_who_has_left(town: Database) -> None:
    town.transact(lambda session: leave(session, who(session, "bob"), NOW))
    refused(town, NotAColleague, lending.lend, "alice", "bob", 5 * USD)


def test_nothing_is_lent_while_the_month_closes(town: Database) -> None:
    lend(town, "alice", "bob", 20)
    town.transact(lambda session: begin_turn(session, DECEMBER))
    for handler, name, other in (
        (lending.lend, "alice", "bob"),
        (lending.repay, "bob", "alice"),
        (lending.recall, "alice", "bob"),
        (lending.forgive, "alice", "bob"),
    ):
        refused(town, PeriodClosing, handler, name, other, 5 * USD)


# What the borrower may take; the lender never hears why not


def test_a_fourth_open_loan_is_refused_in_neutral_words(town: Database) -> None:
    for name in ("alice", "eve", "max"):
        lend(town, name, "bob", 5)
    no = refused(town, CannotBorrowNow, lending.lend, "quinn", "bob", 5 * USD)
    assert no.facts == {"name": "Bob"}
    lend(town, "alice", "bob", 5)  # adding to one of the three is none more
    assert refused(town, TooManyLoans, lending.borrow, "bob", "quinn", 5 * USD).most == 3


def test_nobody_borrows_more_than_their_base_in_all(town: Database) -> None:
    lend(town, "quinn", "bob", 70)
    spend(town, "bob", 130)  # 30 owed, 40 unspent: both count
    assert refused(town, CannotBorrowNow, lending.lend, "quinn", "bob", 31 * USD).facts == {"name": "Bob"}
    assert refused(town, TooMuchBorrowed, lending.borrow, "bob", "quinn", 31 * USD).left == 30 * USD
    lend(town, "quinn", "bob", 30)


def test_who_has_no_base_cannot_borrow(town: Database) -> None:
    refused(town, CannotBorrowNow, lending.lend, "alice", "dan", 1)


def test_who_owes_since_two_openings_cannot_borrow(town: Database) -> None:
    change(town, more="lending: {repay_share: 0.1}\n")
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 150)
    turn(town)
    assert is_overdue(town)
    lend(town, "eve", "bob", 5, now=DECEMBER + timedelta(hours=1))
    turn(town, NEW_YEAR)
    refused(town, CannotBorrowNow, lending.lend, "eve", "bob", 5 * USD, now=NEW_YEAR)
    refused(town, OverdueLoans, lending.borrow, "bob", "eve", 5 * USD, now=NEW_YEAR)
    say(town, lending.forgive, "alice", "bob", None, now=NEW_YEAR)
    lend(town, "eve", "bob", 5, now=NEW_YEAR)


def is_overdue(town: Database) -> bool:
    return town.transact(lambda session: overdue(session, session.exec(select(Loan)).first()))


def test_a_loan_is_not_overdue_in_its_own_month(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    assert not is_overdue(town)


def test_whether_one_may_borrow_moves_nothing(town: Database) -> None:
    before = balances(town)
    town.transact(
        lambda session: may_borrow(
            session,
            Standing.of(session, who(session, "bob").id),
            USD,
            asks(session, "bob").policy,
            lender=None,
        )
    )
    assert balances(town) == before


# Giving back


def test_repaying_gives_back_the_unspent_first_then_pays(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 120)
    gift(town, "bob", 100)
    say(town, lending.repay, "bob", "alice", 30 * USD)
    sums = loan(town, "alice", "bob")
    assert (sums.returned, sums.repaid, sums.owed, sums.unspent) == (30, 0, 20, 0)
    refused(town, InsufficientQuota, lending.repay, "bob", "alice", 20 * USD)
    sound(town)


def test_a_grant_never_repays_a_loan(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 150)
    gift(town, "bob", 500)
    no = refused(town, InsufficientQuota, lending.repay, "bob", "alice", None)
    assert (no.wanted, no.available) == (50 * USD, 0)


def test_without_an_amount_it_is_everything_as_far_as_own_quota_goes(town: Database) -> None:
    lend(town, "quinn", "bob", 90)
    spend(town, "bob", 190)
    change(town, ("amount: 100\n", "amount: 130\n"))
    say(town, lending.repay, "bob", "quinn", None)
    assert (loan(town, "quinn", "bob").repaid, loan(town, "quinn", "bob").owed) == (30, 60)
    assert has(town, "bob").allocation == 0


def test_more_than_is_due_is_refused(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 110)
    assert refused(town, MoreThanDue, lending.repay, "bob", "alice", 51 * USD).due == 50 * USD


def test_a_loan_given_back_whole_is_closed_and_another_may_follow(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    say(town, lending.repay, "bob", "alice", None)
    assert (open_loans(town), available(town, "alice")) == (0, 100)
    lend(town, "alice", "bob", 10)
    assert open_loans(town) == 1
    assert loan(town, "alice", "bob").principal == 60


def test_old_debts_are_paid_first(town: Database) -> None:
    lend(town, "quinn", "bob", 90)
    spend(town, "bob", 190)
    turn(town)  # half of the base goes to the old one
    lend(town, "quinn", "bob", 50, now=DECEMBER)
    spend(town, "bob", 60, DECEMBER)
    change(town, ("amount: 100\n", "amount: 135\n"), now=DECEMBER)
    say(town, lending.repay, "bob", "quinn", 40 * USD + 30 * USD, now=DECEMBER)
    owed = town.transact(lambda session: [sums.owed // USD for _, sums in sums_of(session, "bob")])
    assert owed == [10, 10]


def sums_of(session, name: str):
    from models.quota.loan import loans_of  # noqa: PLC0415

    return loans_of(session, who(session, name).id)


def test_without_a_name_it_is_the_only_lender(town: Database) -> None:
    lend(town, "alice", "bob", 10)
    say(town, lending.repay, "bob", None, None)
    lend(town, "alice", "bob", 10)
    lend(town, "eve", "bob", 10)
    refused(town, WrongUsage, lending.repay, "bob", None, None)


def test_nothing_is_open_between_strangers(town: Database) -> None:
    for handler in (lending.repay, lending.recall, lending.forgive):
        refused(town, NoSuchLoan, handler, "alice", "bob", 5 * USD)


# Recalling and forgiving


def test_only_what_is_unspent_comes_back(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 120)
    assert refused(town, MoreThanDue, lending.recall, "alice", "bob", 31 * USD).due == 30 * USD
    say(town, lending.recall, "alice", "bob", None)
    sums = loan(town, "alice", "bob")
    assert (sums.returned, sums.owed, available(town, "alice")) == (30, 20, 80)
    refused(town, NothingOwed, lending.recall, "alice", "bob", None)


def test_the_borrower_cannot_recall(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    refused(town, NoSuchLoan, lending.recall, "bob", "alice", None)


def test_forgiving_moves_no_quota_and_is_a_row_of_its_own(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 150)
    before = balances(town)
    say(town, lending.forgive, "alice", "bob", 20 * USD)
    assert refused(town, MoreThanDue, lending.forgive, "alice", "bob", 31 * USD).due == 30 * USD
    say(town, lending.forgive, "alice", "bob", None)
    assert balances(town) == before
    rows = town.transact(lambda session: session.exec(select(Forgiveness)).all())
    assert [row.amount for row in rows] == [20 * USD, 30 * USD]
    assert open_loans(town) == 0


def test_only_what_is_owed_is_forgiven(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    refused(town, NothingOwed, lending.forgive, "alice", "bob", None)


def test_what_was_forgiven_is_not_collected(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    spend(town, "bob", 150)
    say(town, lending.forgive, "alice", "bob", 45 * USD)
    turn(town)
    assert (loan(town, "alice", "bob").repaid, available(town, "bob")) == (5, 95)


# Buttons and asks


def test_a_button_with_somebody_elses_loan_is_no_way_in(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    for value in ("1", "2", "x", "-1", "٣", "9" * 30, ""):
        refused(town, UnknownCode, lending.recall_loan, "eve", value)
    refused(town, UnknownCode, lending.recall_loan, "bob", "1")
    refused(town, UnknownCode, lending.return_loan, "alice", "1")


def an_ask(town: Database) -> str:
    say(town, lending.borrow, "bob", "alice", 40 * USD)
    return town.transact(lambda session: session.exec(select(Ask.code)).one())


def test_nothing_moves_before_the_lender_clicks(town: Database) -> None:
    code = an_ask(town)
    assert available(town, "bob") == 100
    say(town, lending.accept, "alice", code)
    assert (available(town, "bob"), loan(town, "alice", "bob").principal) == (140, 40)
    say(town, lending.accept, "alice", code)
    assert available(town, "bob") == 140, "the second click is told that it is over"


def test_only_who_was_asked_may_lend_on_it(town: Database) -> None:
    code = an_ask(town)
    refused(town, UnknownCode, lending.accept, "eve", code)
    refused(town, UnknownCode, lending.accept, "bob", code)
    say(town, lending.not_now, "alice", code)
    say(town, lending.accept, "alice", code)
    assert available(town, "bob") == 100


def test_an_ask_ends_after_a_day(town: Database) -> None:
    code = an_ask(town)
    later = NOW + timedelta(days=1)
    say(town, lending.accept, "alice", code, now=later)
    assert available(town, "bob") == 100
    town.transact(lambda session: end_asks(voice(session, later)))
    assert town.transact(lambda session: session.exec(select(Ask.state)).one()) == "expired"
    assert len(told(town, "bob")) == 1
    town.transact(lambda session: end_asks(voice(session, later)))
    assert len(told(town, "bob")) == 1


def test_an_ask_ends_with_the_month(town: Database) -> None:
    say(town, lending.borrow, "bob", "alice", 40 * USD, now=DECEMBER - timedelta(hours=2))
    assert town.transact(lambda session: session.exec(select(Ask.expires_at)).one()) == DECEMBER


def test_both_hear_once_that_an_unspent_loan_goes_back(town: Database) -> None:
    lend(town, "alice", "bob", 50)
    heard = len(told(town, "alice")), len(told(town, "bob"))
    for hours in (-49, -48, -3, -1):
        town.transact(lambda session, h=hours: warn_of_returns(voice(session, DECEMBER + timedelta(hours=h))))
    assert (len(told(town, "alice")), len(told(town, "bob"))) == (heard[0] + 1, heard[1] + 1)


def test_many_loans_are_warned_of_a_piece_at_a_time(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PIECE", 1)
    lend(town, "alice", "bob", 50)
    lend(town, "eve", "carol", 50)
    now = DECEMBER - timedelta(hours=3)
    more = [town.transact(lambda session: warn_of_returns(voice(session, now))) for _ in range(3)]
    assert more == [True, True, False]
    assert [len(told(town, name)) for name in ("bob", "carol")] == [2, 2]
