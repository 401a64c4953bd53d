"""Somebody leaves or comes back: everybody it touches hears it once, whichever door it came through."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from bot.database import Database
from bot.people.sync import apply, survey
from handlers import asking, delegations, lending
from handlers.clock.leaving import let_leave
from models.messages.outbox import copies
from tests.actions import (
    DECEMBER,
    USD,
    after,
    ask_for,
    available,
    balances,
    has,
    loan,
    open_loans,
    request,
    say,
    sound,
    spend,
    told,
    turn,
)
from tests.company import NOW, who

HEADER = "name,email,slack_id,manager_email,team,role,employment\n"
DOORS = ("command", "import")


def go(company: Database, name: str, door: str = "command", days: float = 0) -> None:
    def leave(session: Session) -> None:
        if door == "command":
            let_leave(session, who(session, name), after(days=days))
        else:
            apply(session, _without(session, name), after(days=days))

    company.transact(leave)
    sound(company)


def _without(session: Session, name: str):  # type: ignore[no-untyped-def]
    from bot.people.sync import export_people  # noqa: PLC0415

    rows = export_people(session).splitlines()
    kept = [row for row in rows if f"{name}@corp.example" not in row.split(",")[1]]
    return survey(session, "\n".join(kept).encode(), remove_missing=True)


def back(company: Database, name: str, days: float = 0) -> None:
    row = f"{name.capitalize()},{name}@corp.example,U09{name.upper()},,design,designer,employee\n"

    def join(session: Session) -> None:
        apply(session, survey(session, (HEADER + row).encode()), after(days=days))

    company.transact(join)
    sound(company)


@pytest.mark.parametrize("door", DOORS)
def test_the_borrower_of_a_lender_who_leaves_reads_what_went_and_what_is_forgiven(
    company: Database, door: str
) -> None:
    say(company, lending.lend, "alice", "eve", 50 * USD)
    spend(company, "eve", 120)
    go(company, "alice", door)
    assert told(company, "eve")[-1].text == (
        "Alice has left the company. The $30.00 that you had borrowed from them and not used went back. "
        "You need not pay back the $20.00 that you owed them. You have $0.00 left."
    )
    assert loan(company, "alice", "eve").open == 0


@pytest.mark.parametrize("door", DOORS)
def test_the_lender_of_a_borrower_who_leaves_reads_that_they_are_whole(company: Database, door: str) -> None:
    say(company, lending.lend, "alice", "eve", 50 * USD)
    spend(company, "eve", 120)
    go(company, "eve", door)
    assert told(company, "alice")[-1].text == (
        "Eve has left the company. The $30.00 that they had borrowed from you and not used is yours again. "
        "The $20.00 that they owed you is paid in their place. You have $100.00 left."
    )
    assert available(company, "alice") == 100


def test_it_is_told_in_the_language_of_whom_it_touches(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    go(company, "alice")
    assert told(company, "bob")[-1].text == (
        "Alice 已离职。你向对方借入而未用的 $50.00 已退回。你现在有 $100.00。"
    )


@pytest.mark.parametrize("door", DOORS)
def test_who_asked_somebody_who_leaves_hears_why_it_ended_and_the_card_settles(
    company: Database, door: str
) -> None:
    say(company, asking.borrow, "eve", "alice", 20 * USD, "")
    go(company, "alice", door)
    last = told(company, "eve")[-1]
    assert last.text == "Alice has left the company, so your ask to borrow $20.00 has ended."
    assert [one.action for one in last.buttons] == ["borrow.open"]
    assert not told(company, "alice")[-1].buttons


@pytest.mark.parametrize("door", DOORS)
def test_the_card_of_an_ask_or_a_request_of_a_leaver_loses_its_buttons(company: Database, door: str) -> None:
    code = ask_for(company, "eve", 200)
    say(company, asking.borrow, "eve", "alice", 20 * USD, "")
    go(company, "eve", door)
    assert request(company, code).state == "void"
    for name in ("alice", "carol"):
        assert not any(
            button.action in {"borrow.accept", "borrow.decline", "request.approve", "request.decline"}
            for one in told(company, name)
            for button in one.buttons
        )
    assert company.transact(lambda session: len(copies(session, f"request:{code}"))) == 1


def test_a_stand_in_and_who_they_stood_in_for_hear_of_it(company: Database) -> None:
    say(company, delegations.delegate, "carol", "alice", date(2026, 11, 20))
    say(company, delegations.delegate, "alice", "eve", date(2026, 11, 20))
    go(company, "alice")
    assert "no longer stands in for you" in told(company, "carol")[-1].text
    assert "you no longer stand in for them" in told(company, "eve")[-1].text


def test_nobody_else_hears_of_it_and_a_second_leaving_tells_nothing(company: Database) -> None:
    go(company, "alice")
    before = [len(told(company, name)) for name in ("bob", "carol", "ops")]
    go(company, "alice", days=1)
    assert before == [0, 0, 0] == [len(told(company, name)) for name in ("bob", "carol", "ops")]


# Coming back in the same period


def test_a_leave_by_mistake_costs_nothing_and_is_told(company: Database) -> None:
    spend(company, "eve", 40)
    go(company, "eve")
    back(company, "eve")
    assert available(company, "eve") == 60, "less than the 73.34 that are due for 22 of 30 days"
    assert told(company, "eve")[-1].text == "Welcome back! You have **$60.00** left until 30 Nov."
    assert has(company, "eve").used == 40 * USD


def test_who_comes_back_later_gets_the_days_that_are_left(company: Database) -> None:
    go(company, "eve")
    back(company, "eve", days=16)
    assert available(company, "eve") == 20


def test_leaving_and_coming_back_again_mints_nothing(company: Database) -> None:
    go(company, "eve")
    back(company, "eve")
    assert available(company, "eve") == 73.34
    spend(company, "eve", 73.34)
    go(company, "eve", days=0.1)
    back(company, "eve", days=0.2)
    assert available(company, "eve") == 0
    assert "nothing left in this period; your next quota comes on 1 Dec" in told(company, "eve")[-1].text


def test_lent_quota_that_came_back_to_a_leaver_is_theirs_again(company: Database) -> None:
    say(company, lending.lend, "eve", "alice", 60 * USD)
    go(company, "eve")
    back(company, "eve")
    assert available(company, "eve") == 73.34
    assert open_loans(company) == 0
    assert available(company, "alice") == 100


def test_who_comes_back_in_the_next_period_is_a_joiner_like_any_other(company: Database) -> None:
    go(company, "eve")
    turn(company, DECEMBER)
    before = balances(company)
    back(company, "eve", days=(DECEMBER - NOW) / timedelta(days=1) + 15)
    assert balances(company) != before
    assert available(company, "eve") == pytest.approx(51.62)
