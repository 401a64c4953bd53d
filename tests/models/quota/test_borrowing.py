"""Whether somebody may ask to borrow more. The lender never hears why not."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot.database import Database
from handlers import asking, lending
from models.quota.borrowing import may_borrow, unspent_lent
from models.quota.status import QuotaStatus
from models.refusal import OverdueLoans, TooManyLoans, TooMuchBorrowed
from tests.actions import (
    DECEMBER,
    NEW_YEAR,
    USD,
    balances,
    borrow,
    change,
    lend,
    refused,
    say,
    spend,
    spent,
    turn,
)
from tests.company import asks, who


def test_what_is_lent_and_spent_is_no_quota_to_call_back(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 50 * USD)
    spent(session, "bob", 130)
    assert unspent_lent(session, who(session, "alice").id) == 20 * USD
    assert unspent_lent(session, who(session, "bob").id) == 0


def test_an_unasked_loan_binds_its_receiver_to_nothing(company: Database) -> None:
    for name in ("alice", "eve", "max", "quinn"):
        lend(company, name, "bob", 60 if name == "quinn" else 20)
    lend(company, "bob", "pia", 5)
    borrow(company, "carol", "bob", 50)


def test_a_fourth_open_loan_is_refused(company: Database) -> None:
    for name in ("alice", "eve", "max"):
        borrow(company, name, "bob", 5)
    borrow(company, "alice", "bob", 5)  # adding to one of the three is none more
    assert refused(company, TooManyLoans, asking.borrow, "bob", "quinn", 5 * USD).most == 3


def test_nobody_borrows_more_than_their_base_in_all(company: Database) -> None:
    borrow(company, "quinn", "bob", 70)
    spend(company, "bob", 130)  # 30 owed, 40 unspent: both count
    assert refused(company, TooMuchBorrowed, asking.borrow, "bob", "quinn", 31 * USD).left == 30 * USD
    borrow(company, "quinn", "bob", 30)


def test_who_has_no_base_cannot_borrow(company: Database) -> None:
    refused(company, TooMuchBorrowed, asking.borrow, "dan", "alice", USD)


def test_who_owes_since_two_openings_cannot_borrow(company: Database) -> None:
    change(company, more="lending: {repay_share: 0.1}\n")
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 150)
    turn(company)
    assert is_overdue(company)
    lend(company, "eve", "bob", 5, now=DECEMBER + timedelta(hours=1))
    turn(company, NEW_YEAR)
    refused(company, OverdueLoans, asking.borrow, "bob", "eve", 5 * USD, now=NEW_YEAR)
    say(company, lending.forgive, "alice", "bob", None, now=NEW_YEAR)
    borrow(company, "eve", "bob", 5, now=NEW_YEAR)


def test_whether_one_may_borrow_moves_nothing(company: Database) -> None:
    before = balances(company)
    company.transact(
        lambda session: may_borrow(
            session,
            QuotaStatus.of(session, who(session, "bob").id),
            USD,
            asks(session, "bob").policy,
            lender=None,
        )
    )
    assert balances(company) == before


def is_overdue(company: Database) -> bool:
    return company.query(lambda session: asks(session, "bob").view_of(who(session, "bob")).loans[0].overdue)


def test_a_loan_is_not_overdue_in_its_own_month(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    assert not is_overdue(company)
