"""Where a lend begins: what both have, the lender's allocation, and the loan that more is added to."""

from __future__ import annotations

from sqlmodel import Session, select

from bot.database import Database
from models.ledger.account import Account
from models.quota.lend_start import FoundLoan, LendStart, open_loan
from models.quota.loan import Loan
from models.quota.period import Period
from tests.actions import USD, ask_for, sound
from tests.company import NOW, who


def start_of(session: Session, borrower: str = "bob") -> LendStart:
    return LendStart.of(session, lender_id=who(session, "alice").id, borrower_id=who(session, borrower).id)


def opened(session: Session) -> FoundLoan:
    ends = {"lender_id": who(session, "alice").id, "borrower_id": who(session, "bob").id}
    return open_loan(session, NOW, asked=True, ends_at=None, period_id=Period.current(session).id, **ends)


def test_a_lend_begins_at_the_lenders_allocation(company: Database) -> None:
    def found(session: Session) -> tuple[str, int | None]:
        account = session.get_one(Account, start_of(session).source_id)
        return account.kind, account.member_id

    assert company.transact(found) == (
        "allocation",
        company.transact(lambda session: who(session, "alice").id),
    )


def test_both_have_what_they_have_whoever_lends(company: Database) -> None:
    start = company.transact(lambda session: start_of(session, "dan"))
    assert (start.gives.has.available, start.gives.base) == (100 * USD, 100 * USD)
    assert (start.gets.has.available, start.gets.base, start.loan) == (0, 0, None)


def test_more_is_added_to_the_open_loan_of_these_two_alone(company: Database) -> None:
    assert company.transact(lambda session: start_of(session).loan) is None
    made = company.transact(opened)
    assert company.transact(lambda session: start_of(session).loan) == made
    assert company.transact(lambda session: start_of(session, "eve").loan) is None
    sound(company)


def test_nothing_is_added_to_a_loan_that_is_closed(company: Database) -> None:
    def close(session: Session) -> None:
        opened(session)
        loan = session.exec(select(Loan)).one()
        loan.closed_at = NOW
        session.add(loan)

    company.transact(close)
    assert company.transact(lambda session: start_of(session).loan) is None


def test_an_open_request_of_the_borrower_is_seen(company: Database) -> None:
    assert not company.transact(lambda session: start_of(session).requests)
    ask_for(company, "bob", 5)
    assert company.transact(lambda session: start_of(session).requests)
