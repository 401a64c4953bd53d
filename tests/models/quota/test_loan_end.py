"""Loans whose end is near, or has passed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from models.policy import document
from models.quota.loan import Loan
from models.quota.loan_end import ended, ending
from models.quota.period import Period
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
