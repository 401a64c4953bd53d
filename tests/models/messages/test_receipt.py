"""The same key gets the same answer; other words under it are refused; old receipts go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.database import Database
from models.messages.receipt import KEPT, answered, fingerprint_of, forget_old, keep, moved_lately
from models.refusal import KeyReused
from tests.company import NOW, who

PRINT = fingerprint_of("slack:U01ALICE", ["lend", "@bob  50"])


def answer(database: Database, key: str = "k1", *, moved: bool = True) -> None:
    database.transact(
        lambda session: keep(
            session, key, PRINT, {"text": "done"}, member=who(session, "alice").id, moved=moved, at=NOW
        )
    )


def lately(database: Database, seconds: int) -> bool:
    now, minute = NOW + timedelta(seconds=seconds), timedelta(minutes=1)
    return database.transact(
        lambda session: moved_lately(session, who(session, "alice").id, PRINT, now, minute)
    )


def test_a_key_that_was_answered_gets_the_same_answer(company: Database) -> None:
    assert company.transact(lambda session: answered(session, "k1", PRINT)) == (False, None)
    answer(company)
    assert company.transact(lambda session: answered(session, "k1", PRINT)) == (True, {"text": "done"})


def test_a_key_with_other_words_is_refused(company: Database) -> None:
    answer(company)
    with pytest.raises(KeyReused):
        company.transact(
            lambda session: answered(session, "k1", fingerprint_of("slack:U01ALICE", ["lend", "@bob 60"]))
        )


def test_a_key_is_answered_once(company: Database) -> None:
    answer(company)
    with pytest.raises(IntegrityError):
        answer(company)


def test_a_fingerprint_ignores_spaces_and_knows_the_sender() -> None:
    assert fingerprint_of("slack:U01ALICE", ["lend", " @bob 50 "]) == PRINT
    assert fingerprint_of("slack:U02BOB", ["lend", "@bob 50"]) != PRINT


def test_only_what_moved_within_the_minute_was_said_lately(company: Database) -> None:
    answer(company, "looked", moved=False)
    assert not lately(company, 1)
    answer(company, "moved")
    assert lately(company, 59)
    assert not lately(company, 60)


def test_a_receipt_is_forgotten_after_35_days(company: Database) -> None:
    answer(company)
    company.transact(lambda session: forget_old(session, NOW + KEPT))
    assert company.transact(lambda session: answered(session, "k1", PRINT))[0]
    company.transact(lambda session: forget_old(session, NOW + KEPT + timedelta(seconds=1)))
    assert not company.transact(lambda session: answered(session, "k1", PRINT))[0]
