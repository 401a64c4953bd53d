"""Rows that a transaction leaves behind: one flush writes all of them, in their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from bot.database import Database
from models.messages import receipt
from models.messages.outbox import Effect, promise_new
from models.messages.receipt import Receipt
from models.messages.tally import Tally, count_message
from models.refusal import NotUnderstood
from tests.company import NOW, who

ANSWER = {
    "message": {"text": "已借给 Bob “$5.00” \u2028 \U0001f642", "buttons": [{"value": None}]},
    "refused": False,
}


def leave_all(session: Session) -> None:
    alice, bob = who(session, "alice").id, who(session, "bob").id
    count_message(session, alice, bob, NOW)
    for key in ("z", "a", "m"):
        promise_new(session, Effect(key=key, kind="say", payload=ANSWER, lane="l", due_at=NOW))
    receipt.keep(session, "k", "print", ANSWER, member=alice, moved=True, at=NOW)
    receipt.keep(session, "form", "print", None, member=None, moved=False, at=NOW)


@pytest.fixture
def written(company: Database) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        found.extend([sql] if "INSERT" in sql else [])

    event.listen(company.engine, "before_cursor_execute", note)
    yield found
    event.remove(company.engine, "before_cursor_execute", note)


def test_one_flush_writes_all_of_them_as_they_were_said(company: Database, written: list[str]) -> None:
    company.transact(leave_all)
    assert len(written) == (3 if company.sqlite else 1)

    def found(session: Session) -> None:
        effects = session.exec(select(Effect).order_by(Effect.id)).all()
        assert [(one.key, one.payload, one.due_at, one.about, one.attempts) for one in effects] == [
            (key, ANSWER, NOW, None, 0) for key in ("z", "a", "m")
        ]
        counted = session.exec(select(Tally)).one()
        assert (counted.member_id, counted.other_id, counted.at) == (
            who(session, "alice").id, who(session, "bob").id, NOW,
        )  # fmt: skip
        kept = {one.key: one for one in session.exec(select(Receipt)).all()}
        assert (kept["k"].answer, kept["k"].moved, kept["k"].at) == (ANSWER, True, NOW)
        assert (kept["form"].answer, kept["form"].moved, kept["form"].member_id) == (None, False, None)

    company.transact(found)


def test_a_query_of_the_same_transaction_finds_them(company: Database) -> None:
    def both(session: Session) -> list[str]:
        promise_new(session, Effect(key="one", kind="say", due_at=NOW))
        return list(session.exec(select(Effect.key)).all())

    assert company.transact(both) == ["one"]


def test_who_is_refused_leaves_nothing_behind(company: Database) -> None:
    def refused(session: Session) -> None:
        leave_all(session)
        raise NotUnderstood("?")

    with pytest.raises(NotUnderstood):
        company.transact(refused)
    assert company.transact(lambda session: session.exec(select(Effect.key)).all()) == []


def test_a_session_that_gathers_nothing_writes_at_once(session: Session) -> None:
    promise_new(session, Effect(key="one", kind="say", due_at=NOW))
    with session.no_autoflush:
        assert session.exec(select(Effect.key)).all() == ["one"]
