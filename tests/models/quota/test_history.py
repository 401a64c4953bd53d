"""A member's account statement, page by page."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot.database import Database
from handlers import lending
from models.quota.history import page
from tests.actions import USD, say, spent
from tests.company import NOW, asks, who


def test_a_loan_names_the_other_party_and_says_who_took(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD)
    lines = {name: page(session, who(session, name).id, limit=1)[0] for name in ("alice", "bob")}
    assert [(one.other, one.taken, one.amount // USD) for one in lines.values()] == [
        ("Bob", 0, -5),
        ("Alice", 1, 5),
    ]


def test_what_the_used_account_counts_is_no_line_of_its_own(session: Session) -> None:
    spent(session, "alice", 3)
    found = page(session, who(session, "alice").id)
    assert [(one.kind, one.amount // USD, one.balance // USD) for one in found] == [
        ("use", -3, 97),
        ("allocate", 100, 100),
    ]


def test_the_place_in_somebody_elses_statement_is_none(session: Session) -> None:
    alice, bob = (who(session, name).id for name in ("alice", "bob"))
    earlier = page(session, alice)[0].id
    assert page(session, bob, before=earlier) == page(session, bob) != []


def test_a_statement_has_pages_without_gaps_newest_first(company: Database) -> None:
    for usd in (1, 2, 3, 4, 5):
        say(company, lending.lend, "alice", "bob", usd * USD, now=NOW + timedelta(minutes=usd))

    def pages(session: Session) -> list[int]:
        seen, before = [], 0
        while found := page(session, who(session, "alice").id, before=before, limit=2):
            seen += [-one.amount // USD for one in found]
            before = found[-1].id
        return seen

    assert company.transact(pages) == [5, 4, 3, 2, 1, -100]
