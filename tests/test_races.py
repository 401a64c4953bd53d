"""Lends, repayments, leaving and the close at the same moment: real threads on real databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlmodel import Session

from bot.database import Database
from handlers import lending
from handlers.gateway.spend import book_page
from models.metering.reading import Reading
from models.people.member import Member
from models.quota.allocation import welcome_all
from models.quota.closing import advance, begin_turn
from models.quota.leaving import leave
from models.quota.loan import Loan
from models.refusal import (
    PeriodClosing,
)
from tests.actions import DECEMBER, USD, available, cause, ctx, has, open_loans, say, sound, spend
from tests.company import NOW, asks, who
from tests.races import at_once, crowd, held, kinds


def test_of_fifty_lends_at_once_exactly_those_that_fit_are_made(company: Database) -> None:
    """Lendable is 100 (500 less 20 % is 400, of which 300 are spent): ten lends of 10."""
    people = crowd(company, 50)
    spend(company, "quinn", 300)

    def deed(name: str) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, "quinn", key=f"to:{name}"), who(session, name), 10 * USD
        )

    answers = at_once(company, [deed(name) for name in people])
    assert kinds(answers) == {"Message": 10, "NotLendable": 40}
    assert (has(company, "quinn").allocation, open_loans(company)) == (100 * USD, 10)
    sound(company)


def test_opposite_lends_at_once_do_not_deadlock(company: Database) -> None:
    def deed(lender: str, borrower: str, number: int) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, lender, key=f"{lender}{number}"), who(session, borrower), 1 * USD
        )

    both = [deed(*pair, number) for number in range(20) for pair in (("alice", "bob"), ("bob", "alice"))]
    answers = at_once(company, both)
    assert kinds(answers) == {"Message": 40}, "a loan that nobody asked for keeps nobody from lending"
    sound(company)


def test_a_circle_of_lends_does_not_deadlock(company: Database) -> None:
    ring = ["alice", "bob", "carol", "eve", "max"]
    actions = [
        lambda session, a=a, b=b, n=n: lending.lend(asks(session, a, key=f"{a}{n}"), who(session, b), USD)
        for n in range(8)
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    assert set(kinds(at_once(company, actions))) <= {"Message", "HoldsBorrowed"}
    sound(company)


def test_lends_that_race_with_the_close_are_either_in_it_or_refused(company: Database) -> None:
    people = crowd(company, 20)

    def close(session: Session) -> Any:
        return begin_turn(session, DECEMBER) and None

    def deed(name: str) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, name, key=f"by:{name}"), who(session, "quinn"), 5 * USD
        )

    first, rest = people[:10], people[10:]
    actions = [*map(deed, first[:2]), close, *map(deed, [*first[2:], *rest])]
    answers = at_once(company, actions)
    assert set(kinds(answers)) <= {"Message", "PeriodClosing", "NoneType", "CannotBorrowNow"}, kinds(answers)
    while company.transact(lambda session: advance(session, DECEMBER)):
        sound(company)
    assert open_loans(company) == 0
    assert {available(company, name) for name in people} == {100}
    sound(company)


def test_a_lend_that_waited_for_the_close_is_told_that_the_period_closes(postgres_company: Database) -> None:
    """The row that a lend waits for is closed under it; the next one is not in its snapshot."""
    _, answer = held(
        postgres_company,
        lambda session: begin_turn(session, DECEMBER),
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
    )
    assert isinstance(answer, PeriodClosing)


def test_nobody_lends_to_somebody_who_leaves_at_that_moment(postgres_company: Database) -> None:
    _, answer = held(
        postgres_company,
        lambda session: leave(session, who(session, "bob"), NOW),
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
    )
    assert type(answer).__name__ == "NotAColleague"
    sound(postgres_company)


def test_a_loan_made_while_its_borrower_leaves_is_closed_with_the_rest(postgres_company: Database) -> None:
    held(
        postgres_company,
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
        lambda session: leave(session, who(session, "bob"), NOW),
    )
    assert (open_loans(postgres_company), available(postgres_company, "alice")) == (0, 100)
    sound(postgres_company)


def test_forgiving_and_repaying_the_same_debt_at_once_is_not_both(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 150)
    actions: list[Callable[[Session], Any]] = [
        lambda session: lending.forgive(asks(session, "alice", key="gone"), who(session, "bob"), None)
    ] * 3
    answers = at_once(company, actions)
    assert kinds(answers)["Message"] == 1
    assert set(kinds(answers)) <= {"Message", "NoSuchLoan", "NothingOwed"}
    sound(company)


def test_a_debt_is_not_forgiven_while_the_close_collects_it(postgres_company: Database) -> None:
    say(postgres_company, lending.lend, "alice", "bob", 50 * USD)
    spend(postgres_company, "bob", 150)
    postgres_company.transact(lambda session: begin_turn(session, DECEMBER))

    def pieces(session: Session) -> None:
        while advance(session, DECEMBER):
            pass

    held(
        postgres_company,
        pieces,
        lambda session: Loan.forgive(
            session, lender=who(session, "alice"), borrower=who(session, "bob"), amount=None, cause=cause()
        ),
    )
    sound(postgres_company)


def test_somebody_who_joins_while_the_month_closes_gets_their_quota(postgres_company: Database) -> None:
    postgres_company.transact(lambda session: begin_turn(session, DECEMBER))

    def pieces(session: Session) -> None:
        while advance(session, DECEMBER):
            pass

    def join(session: Session) -> None:
        member = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=DECEMBER)
        session.add(member)
        session.flush()
        welcome_all(session, [member.id], DECEMBER)

    held(postgres_company, pieces, join)
    assert available(postgres_company, "nina") == 100


def test_a_gateway_s_spend_that_many_read_at_once_is_booked_once(company: Database) -> None:
    """The loop reads by pages, a lend reads its lender, an operator looks: all at the same moment."""
    readings = [gateway_reading(name, spent) for spent in (0, 30 * USD) for name in ("alice", "bob")]
    company.transact(lambda session: book_page(ctx(session, NOW), readings[:2]) and None)
    pages = [readings[2:], readings[:1:-1]] * 8
    actions = [lambda session, page=page: book_page(ctx(session, NOW), page) and None for page in pages]
    assert kinds(at_once(company, actions)) == {"NoneType": 16}
    assert (has(company, "alice").used, has(company, "bob").used) == (30 * USD, 30 * USD)
    sound(company)


def gateway_reading(name: str, spent: int) -> Reading:
    return Reading(f"{name}@corp.example", spent, None, NOW)
