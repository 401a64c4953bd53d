"""Loans whose end is near, or has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from models.ledger.spend import record
from models.policy import document
from models.quota.forgiveness import Forgiveness
from models.quota.loan import Loan, loans_of
from models.quota.loan_end import ended, ending
from models.quota.loan_sums import Sums
from models.quota.period import Period
from models.quota.wallet import wallet_of
from models.refusal import UnknownCode
from tests.actions import DECEMBER, USD, cause, spent
from tests.company import NOW, POLICY, who

SOON = NOW + timedelta(hours=10)


def lend(session: Session, borrower: str, ends_at: datetime | None = None) -> Loan:
    people = {"lender": who(session, "alice"), "borrower": who(session, borrower)}
    made = Loan.make(
        session, **people, amount=20 * USD, policy=document.parse(POLICY), cause=cause(), ends_at=ends_at
    )
    return session.get_one(Loan, made.loan_id)


def near(session: Session, now: datetime, most: int = 9) -> list[tuple[Loan, int, datetime]]:
    return ending(session, Period.current(session), now, now + timedelta(days=2), most)


def test_a_loan_ends_on_its_own_day_or_with_the_period(session: Session) -> None:
    own, whole = lend(session, "bob", SOON), lend(session, "eve")
    assert near(session, NOW) == [(own, 20 * USD, SOON)]
    assert near(session, DECEMBER - timedelta(hours=1)) == [(whole, 20 * USD, DECEMBER)]
    assert near(session, SOON) == [], "an end that has come is no end to come"


def test_an_end_is_warned_of_once_and_another_end_again(session: Session) -> None:
    loan = lend(session, "bob", SOON)
    loan.warned_of(session, SOON)
    session.flush()
    assert near(session, NOW) == []
    lend(session, "bob", SOON + timedelta(hours=1))
    assert [end for _, _, end in near(session, NOW)] == [SOON + timedelta(hours=1)]


def test_what_is_all_spent_goes_back_to_nobody(session: Session) -> None:
    lend(session, "bob", SOON)
    spent(session, "bob", 120)
    assert (near(session, NOW), ended(session, SOON, 9)) == ([], [])


def test_a_loan_has_ended_at_its_own_end_and_pieces_are_by_id(session: Session) -> None:
    loans = [lend(session, name, SOON) for name in ("bob", "eve")]
    lend(session, "max")
    assert ended(session, SOON - timedelta(seconds=1), 9) == []
    assert ended(session, SOON, 9) == loans
    assert ended(session, SOON, 1) == [one for one, _, _ in near(session, NOW, 1)] == loans[:1]


def test_only_what_is_unspent_of_this_period_is_warned_of(session: Session) -> None:
    loan = lend(session, "bob", SOON)
    spent(session, "bob", 115)
    assert near(session, NOW) == [(loan, 5 * USD, SOON)]
    another = Period(id=Period.current(session).id + 1, ends_at=DECEMBER)
    assert ending(session, another, NOW, DECEMBER, 9) == []


def test_the_last_moment_of_the_warning_counts(session: Session) -> None:
    loan = lend(session, "bob", NOW + timedelta(days=2))
    assert [one.id for one, _, _ in near(session, NOW)] == [loan.id]
    assert near(session, NOW - timedelta(seconds=1)) == []


def test_an_ended_loan_gives_its_own_rest_back_and_what_was_used_stays_owed(session: Session) -> None:
    loan, other = lend(session, "bob", SOON), lend(session, "eve", SOON)
    spent(session, "bob", 115)
    spent(session, "alice", 70)
    assert loan.end(session, cause(SOON)) == 5 * USD
    sums = {one.id: found for one, found in loans_of(session, who(session, "alice").id)}
    assert (sums[loan.id], sums[other.id]) == (Sums(20 * USD, 5 * USD, 15 * USD), Sums(20 * USD))
    lender = wallet_of(session, who(session, "alice").id)
    assert (lender.allocation, lender.overdraft, loan.closed_at) == (0, -5 * USD, None)
    assert other.end(session, cause(SOON)) == 20 * USD
    lender = wallet_of(session, who(session, "alice").id)
    assert (lender.allocation, lender.overdraft, other.closed_at) == (15 * USD, 0, SOON)


def test_a_loan_is_found_by_its_number_by_who_gave_or_took_it(session: Session) -> None:
    loan, alice, bob = lend(session, "bob", SOON), who(session, "alice"), who(session, "bob")
    number = str(loan.id)
    assert Loan.numbered(session, number, alice, taken=False) is loan
    assert Loan.numbered(session, number, bob, taken=True) is loan
    for odd, member, taken in (
        (number, alice, True),
        (number, bob, False),
        ("9" * 30, bob, True),
        ("x", bob, True),
    ):
        with pytest.raises(UnknownCode):
            Loan.numbered(session, odd, member, taken=taken)


def test_the_smallest_rest_goes_back(session: Session) -> None:
    loan = lend(session, "bob", SOON)
    record(session, who(session, "bob").id, 120 * USD - 1, cause=cause())
    assert (near(session, NOW), ended(session, SOON, 9)) == ([(loan, 1, SOON)], [loan])


def test_more_on_a_loan_keeps_its_end_or_agrees_on_another_for_the_whole(session: Session) -> None:
    def more(ends_at: datetime | None, now: datetime = NOW, *, asked: bool = False) -> tuple[datetime, bool]:
        people = {"lender": who(session, "alice"), "borrower": who(session, "bob")}
        rules = {"policy": document.parse(POLICY), "cause": cause(now), "ends_at": ends_at, "asked": asked}
        lent = Loan.make(session, **people, amount=5 * USD, **rules)
        return lent.ends_at, lent.changed

    loan, later = lend(session, "bob", SOON), SOON + timedelta(hours=1)
    assert (more(None), loan.ends_at, loan.asked) == ((SOON, False), SOON, False)
    assert (more(SOON, asked=True), loan.asked) == ((SOON, False), True)
    assert (more(later), loan.ends_at, loan.asked) == ((later, True), later, True)
    assert (more(None, later), loan.ends_at) == ((DECEMBER, False), None), (
        "an end that has come counts as none"
    )
    assert (more(DECEMBER, later), loan.ends_at) == ((DECEMBER, False), None)


def test_a_part_is_repaid_recalled_and_forgiven_to_the_smallest_unit(session: Session) -> None:
    loan = lend(session, "bob", SOON)
    people = {"lender": who(session, "alice"), "borrower": who(session, "bob")}
    assert Loan.recall(session, **people, amount=1, cause=cause()) == 1
    assert Loan.repay(session, **people, amount=5 * USD - 1, cause=cause()) == (5 * USD - 1, 0)
    spent(session, "bob", 110)
    assert Loan.forgive(session, **people, amount=3, cause=replace(cause(), reason="demo")) == 3
    gone = session.exec(select(Forgiveness)).one()
    assert (gone.loan_id, gone.amount, gone.reason, loan.forgiven) == (loan.id, 3, "demo", 3)
