"""Somebody who left is forgotten: no trace of who it was, the books and the chain as before."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from bot.database import Database
from handlers import asking, delegations, lending, requests
from models.ledger.audit import audit
from models.metering.forgetting import forget
from models.people.member import Member
from models.quota.chain import seal_next, verify
from models.quota.leaving import leave
from models.reports.person import own_data
from tests.actions import USD, after, ask_for, balances, say, spend
from tests.company import NOW, who

TRACES = ("pia", "U06PIA", "billing migration for Pia")
BOOKS = {"transfer", "forgiveness", "policyversion"}
"""Records that nobody may change."""


@pytest.fixture
def gone(company: Database) -> Database:
    """Pia asked, borrowed, spent, delegated, was linked and left."""
    code = ask_for(company, "pia", 70, reason=TRACES[2])
    say(company, requests.approve, "lee", code)
    say(company, lending.lend, "alice", "bob", 5 * USD)
    say(company, asking.borrow, "pia", "quinn", 5 * USD, "for Pia")
    say(company, delegations.delegate, "lee", "pia", NOW.date() + timedelta(days=3))
    spend(company, "pia", 20)
    company.transact(lambda session: leave(session, who(session, "pia"), after(hours=1), "admin:root"))
    while company.transact(lambda session: seal_next(session, NOW)):
        pass
    return company


def pia(session: Session) -> Member:
    return session.exec(select(Member).where(Member.left_at.is_not(None))).one()  # type: ignore[union-attr]


def everything(database: Database) -> dict[str, str]:
    """All rows of all tables as text."""

    def read(session: Session) -> dict[str, str]:
        return {
            name: json.dumps(
                [list(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))], default=str
            ).encode().decode("unicode_escape", "replace")
            for name in SQLModel.metadata.tables
        }  # fmt: skip

    return database.query(read)


def test_no_table_tells_who_it_was_but_books_and_policies(gone: Database) -> None:
    before, books = everything(gone), balances(gone)
    assert {name for name, rows in before.items() if TRACES[1] in rows or TRACES[2] in rows} > BOOKS - {"policyversion", "forgiveness"}  # fmt: skip
    gone.transact(lambda session: forget(session, pia(session), after(hours=2), "admin:root"))
    for name, rows in everything(gone).items():
        if name not in BOOKS:
            assert not [one for one in TRACES if one.lower() in rows.lower()], name
    assert balances(gone) == books


def test_the_books_add_up_and_the_chain_is_whole(gone: Database) -> None:
    gone.transact(lambda session: forget(session, pia(session), after(hours=2), "admin:root"))
    while gone.transact(lambda session: seal_next(session, NOW)):
        pass
    assert gone.query(audit).wrong == []
    found = gone.query(verify)
    assert (found.broken, found.unsealed) == (None, 0)


def test_names_of_others_that_begin_alike_stay(gone: Database) -> None:
    gone.transact(lambda session: who(session, "max").__setattr__("name", "Piano"))
    gone.transact(lambda session: forget(session, pia(session), after(hours=2), "admin:root"))
    assert gone.query(lambda session: who(session, "max").name) == "Piano"


def test_own_data_has_the_rows_of_every_table_that_names_somebody(gone: Database) -> None:
    found = gone.query(lambda session: own_data(session, pia(session)))
    assert found["overview"]["name"] == "Pia"
    assert {
        "member",
        "address",
        "account",
        "transfer",
        "entry",
        "request",
        "decision",
        "ask",
        "authority",
    } <= set(found["tables"])
    assert [one["email"] for one in found["tables"]["member"]] == ["pia@corp.example"]
    assert "salt" not in found["tables"]["decision"][0]
    leads = gone.query(lambda session: own_data(session, who(session, "lee")))
    assert [one["email"] for one in leads["tables"]["member"]] == ["lee@corp.example"]
