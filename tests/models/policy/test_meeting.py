"""The members of a request and the policy in force cost one statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from models.messages import receipt, tally
from models.people.member import addresses, found_at
from models.policy import versions
from models.policy.meeting import meet_request, question
from models.refusal import TooManyMessages, UnknownSender
from tests.company import NOW, who


@pytest.fixture
def statements(session: Session) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        asked.append(sql)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield asked
    event.remove(connection, "before_cursor_execute", note)


def test_both_members_their_addresses_and_the_policy_are_read_at_once(
    session: Session, statements: list[str]
) -> None:
    question("slack:U01ALICE", "slack:U02BOB").ask(session)
    alice, bob = (found_at(session, f"slack:{one}")[0] for one in ("U01ALICE", "U02BOB"))
    current = versions.current(session)
    assert (alice.name, bob.name, current and current[0]) == ("Alice", "Bob", 1)
    assert [one.address for one in addresses(session, bob.id)] == ["slack:U02BOB"]
    assert len(statements) == 1


def test_a_leaver_and_a_stranger_are_met_as_nobody(session: Session) -> None:
    alice, _ = found_at(session, "slack:U01ALICE")
    alice.left_at = NOW
    question("slack:U01ALICE", "slack:NOBODY").ask(session)
    for address in ("slack:U01ALICE", "slack:NOBODY"):
        with pytest.raises(UnknownSender):
            found_at(session, address)


def test_only_a_policy_in_force_is_met(session: Session) -> None:
    current = versions.current(session)
    assert current is not None
    versions.stage_once(session, "unit: USD\nallocations: []\n", NOW, "ops", NOW.date().replace(month=12))
    question("slack:U01ALICE").ask(session)
    assert versions.current(session) == current


def test_what_was_said_before_is_read_with_them(session: Session, statements: list[str]) -> None:
    alice, bob, answer, minute = (
        who(session, "alice").id,
        who(session, "bob").id,
        {"text": "好"},
        timedelta(minutes=1),
    )
    receipt.keep(session, "k1", "print", answer, member=alice, moved=True, at=NOW)
    for _ in range(tally.TO_ONE - 1):
        tally.count_message(session, alice, bob, NOW)
    statements.clear()
    meet_request(session, "slack:U01ALICE", "slack:U02BOB", ("k1", "k1:2"), "print", NOW + minute / 2)
    assert receipt.answered(session, "k1", "print") == (True, answer)
    assert receipt.answered(session, "k1:2", "print") == (False, None)
    assert receipt.moved_lately(session, alice, "print", NOW + minute / 2, minute)
    assert not receipt.moved_lately(session, alice, "print", NOW + minute, minute)
    assert found_at(session, "slack:U02BOB")[0].id == bob
    assert len(statements) == 1
    tally.count_message(session, alice, bob, NOW)
    with pytest.raises(TooManyMessages):
        tally.count_message(session, alice, bob, NOW)


def test_a_strangers_receipt_is_found_as_well(company: Database) -> None:
    def found(session: Session) -> tuple[bool, object]:
        receipt.keep(session, "k1", "print", None, member=None, moved=False, at=NOW)
        session.flush()
        meet_request(session, "slack:NOBODY", None, ("k1",), "print", NOW)
        with pytest.raises(UnknownSender):
            found_at(session, "slack:NOBODY")
        return receipt.answered(session, "k1", "print")

    assert company.transact(found) == (True, None)
