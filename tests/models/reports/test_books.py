"""The books as rows, page by page."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from bot.database import Database
from handlers import lending
from models.ledger.amount import Unit
from models.quota.loan import loans_of
from models.quota.loan_sums import NAMES
from models.reports import audit, books
from models.reports.books import BOOKS, Row, Style
from tests.actions import USD, say, spend
from tests.company import who

STYLE = Style(Unit.USD, ZoneInfo("Asia/Shanghai"))


def rows(session: Session, name: str) -> list[Row]:
    found: list[Row] = []
    after = None
    while True:
        page, after = BOOKS[name].page(session, STYLE, None, after)
        if not page:
            return found
        found += page


def lend(company: Database) -> None:
    for borrower in ("eve", "bob"):
        say(company, lending.lend, "alice", borrower, 20 * USD)
    spend(company, "eve", 110)


def test_a_loan_has_the_same_numbers_in_the_book_and_for_its_lender(company: Database) -> None:
    lend(company)

    def both(session: Session) -> tuple[list[Row], list[Row]]:
        alone = [sums for _, sums in loans_of(session, who(session, "alice").id, closed=True)]
        expected = [{name: STYLE.amount(getattr(one, name)) for name in NAMES} for one in alone]
        return [{name: row[name] for name in NAMES} for row in rows(session, "loans")], expected

    found, expected = company.query(both)
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert {row["used"] for row in found} == {"10", "0"}


@pytest.mark.parametrize("name", list(BOOKS))
def test_pages_of_one_row_give_the_same_book(
    company: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    lend(company)
    whole = company.query(lambda session: rows(session, name))
    for module in (books, audit):
        monkeypatch.setattr(module, "PAGE", 1)
    assert company.query(lambda session: rows(session, name)) == whole
    assert all(set(row) == set(BOOKS[name].columns) for row in whole)
