"""Patterns: each is found with names and sums, and ordinary lending is none."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.database import Database
from handlers import lending, requests
from models.ledger.amount import Unit
from models.reports.patterns import Pattern, list_patterns
from models.reports.style import Style
from tests.actions import USD, after, ask_for, say, turn
from tests.company import who

STYLE = Style(Unit.USD, ZoneInfo("Asia/Shanghai"))


def found(database: Database) -> list[tuple[str, tuple[str, ...], dict[str, str]]]:
    def short(one: Pattern) -> tuple[str, tuple[str, ...], dict[str, str]]:
        return one.kind, tuple(name.split("@")[0] for name in one.people), one.figures

    return [short(one) for one in database.query(lambda session: list_patterns(session, STYLE))]


def lend(database: Database, lender: str, borrower: str, usd: int, hours: int = 0) -> None:
    """Lend, and let the borrower give it back by hand: who holds borrowed quota cannot lend."""
    say(database, lending.lend, lender, borrower, usd * USD, now=after(hours=hours))


def give_back(database: Database, borrower: str, lender: str) -> None:
    say(database, lending.repay, borrower, lender, None)


def test_ordinary_lending_and_one_request_are_no_pattern(company: Database) -> None:
    lend(company, "alice", "bob", 20)
    say(company, requests.approve, "carol", ask_for(company, "eve", 500))
    assert found(company) == []


def test_two_who_lend_to_each_other_in_one_period_are_named_with_both_sums(company: Database) -> None:
    lend(company, "alice", "bob", 20)
    give_back(company, "bob", "alice")
    lend(company, "bob", "alice", 15)
    assert found(company) == [("ping_pong", ("alice", "bob"), {"first_lent": "20", "second_lent": "15"})]


def test_a_circle_of_three_is_found_once(company: Database) -> None:
    for lender, borrower, usd in (("alice", "bob", 10), ("bob", "eve", 11), ("eve", "alice", 12)):
        lend(company, lender, borrower, usd)
        give_back(company, borrower, lender)
    sums = {"first_lent": "10", "second_lent": "11", "third_lent": "12"}
    assert found(company) == [("ring", ("alice", "bob", "eve"), sums)]


def test_three_loans_in_one_direction_are_a_flow(company: Database) -> None:
    for hours in range(3):
        lend(company, "alice", "bob", 10, hours)
    sums = {"lent": "30", "used": "0", "repaid": "0", "forgiven": "0", "loans": "3"}
    assert found(company) == [("one_way", ("alice", "bob"), sums)]


def test_grants_within_a_ceiling_that_are_together_above_it_are_found(company: Database) -> None:
    for usd in (400, 300):
        say(company, requests.approve, "carol", ask_for(company, "bob", usd))
    sums = {"granted": "700", "ceiling": "500", "requests": "2"}
    assert found(company) == [("split", ("bob", "carol"), sums)]
    turn(company)
    assert company.query(lambda session: who(session, "bob").active)
    assert len(found(company)) == 1
