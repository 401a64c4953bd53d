"""Where a lend begins: the lender's allocation, and the loan that more is added to."""

from __future__ import annotations

from sqlmodel import Session, select

from bot.database import Database
from models.ledger.account import Account
from models.quota.lend_start import LendStart, lend_start, open_loan
from models.quota.loan import Loan
from models.quota.period import Period
from tests.company import NOW, who


def ends(session: Session, borrower: str = "bob") -> dict[str, int]:
    lender, period = who(session, "alice"), Period.current(session)
    return {"lender_id": lender.id, "borrower_id": who(session, borrower).id, "period_id": period.id}


def start_of(session: Session, borrower: str = "bob") -> LendStart:
    return lend_start(session, **ends(session, borrower))


def test_a_lend_begins_at_the_lenders_allocation(company: Database) -> None:
    def found(session: Session) -> tuple[str, int | None]:
        account = session.get_one(Account, start_of(session).source_id)
        return account.kind, account.member_id

    assert company.transact(found) == (
        "allocation",
        company.transact(lambda session: who(session, "alice").id),
    )


def test_more_is_added_to_the_open_loan_of_these_two_alone(company: Database) -> None:
    def opened(session: Session) -> int:
        assert start_of(session).loan is None
        return open_loan(session, NOW, asked=True, ends_at=None, **ends(session)).id

    number = company.transact(opened)
    found = company.transact(lambda session: start_of(session).loan)
    assert found == (number, found.account_id if found else 0, True, None)
    assert company.transact(lambda session: start_of(session, "eve").loan) is None


def test_nothing_is_added_to_a_loan_that_is_closed(company: Database) -> None:
    def close(session: Session) -> None:
        open_loan(session, NOW, asked=False, ends_at=None, **ends(session))
        loan = session.exec(select(Loan)).one()
        loan.closed_at = NOW
        session.add(loan)

    company.transact(close)
    assert company.transact(lambda session: start_of(session).loan) is None
