"""How much may be lent, recalled or forgiven."""

from __future__ import annotations

import pytest

from bot.database import Database
from handlers import asking, lending
from models.people.member import Member
from models.quota.lendable import at_most
from models.refusal import HoldsBorrowed, LoanTooSmall, MoreThanDue, NothingOwed, NotLendable
from tests.actions import USD, available, borrow, change, gift, lend, refused, spend
from tests.company import NOW

BOB = Member(name="Bob", email="bob@corp.example", gateway_id="bob", joined_at=NOW)


def test_without_an_amount_it_is_everything_that_is_there() -> None:
    assert [at_most(amount, 5, BOB) for amount in (None, 3, 5)] == [5, 3, 5]


def test_more_than_there_is_and_nothing_at_all_are_told_apart() -> None:
    with pytest.raises(MoreThanDue) as more:
        at_most(6, 5, BOB)
    assert (more.value.wanted, more.value.due) == (6, 5)
    with pytest.raises(NothingOwed):
        at_most(6, 0, BOB)


def test_all_is_everything_lendable(company: Database) -> None:
    lend(company, "alice", "bob", None)
    assert available(company, "alice") == 20
    assert refused(company, NotLendable, lending.lend, "alice", "bob", None).lendable == 0


def test_more_than_lendable_is_refused_with_what_is_lendable(company: Database) -> None:
    assert refused(company, NotLendable, lending.lend, "alice", "bob", 81 * USD).lendable == 80 * USD


def test_who_holds_what_they_asked_to_borrow_does_not_lend(company: Database) -> None:
    borrow(company, "alice", "bob", 20)
    refused(company, HoldsBorrowed, lending.lend, "bob", "eve", 5 * USD)
    spend(company, "bob", 120)
    refused(company, NotLendable, lending.lend, "bob", "eve", 5 * USD)


def test_granted_quota_is_not_lent(company: Database) -> None:
    gift(company, "alice", 500)
    refused(company, NotLendable, lending.lend, "alice", "quinn", 81 * USD)


@pytest.mark.parametrize(("words", "least"), [("", USD), ("lending: {least: 5}\n", 5 * USD)])
def test_a_loan_has_a_least_amount(company: Database, words: str, least: int) -> None:
    change(company, more=words)
    assert refused(company, LoanTooSmall, lending.lend, "alice", "bob", least - 1).least == least
    assert refused(company, LoanTooSmall, asking.borrow, "alice", "bob", least - 1).least == least
    lend(company, "alice", "bob", least / USD)
