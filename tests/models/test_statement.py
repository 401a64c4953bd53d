"""`Statement`: the same rows and the same errors on both databases, and the SQL it shows to each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session

from bot.database import Database
from models.statement import Statement

NOON = datetime(2026, 11, 9, 12, 30, tzinfo=UTC)


class Kept(NamedTuple):
    key: str
    answer: dict[str, Any] | None
    member_id: int | None
    moved: bool
    at: datetime


@dataclass(frozen=True)
class Sum:
    total: int
    day: date | None


KEEP = Statement(
    "INSERT INTO receipt (key, fingerprint, answer, member_id, moved, at) VALUES (:key, '', :answer, NULL, :moved, :at)"
)
READ = Statement("SELECT key, answer, member_id, moved, at FROM receipt WHERE key = :key", row=Kept)


def keep(session: Session, key: str) -> int:
    return KEEP.changed(session, key=key, answer='{"text": "你好"}', moved=True, at=NOON)


def test_a_row_has_the_types_its_reader_names(database: Database) -> None:
    assert database.transact(lambda session: keep(session, "one")) == 1
    found = database.transact(lambda session: READ.one(session, key="one"))
    assert found == Kept("one", {"text": "你好"}, None, True, NOON)
    assert type(found.moved) is bool


def test_a_sum_is_an_int_and_a_day_is_a_date(database: Database) -> None:
    sums = Statement("SELECT SUM(version), MAX(effective) FROM policyversion", row=Sum)
    assert database.transact(sums.one) == Sum(None, None)
    put = Statement(
        "INSERT INTO policyversion (version, text, applied_at, applied_by, effective) VALUES (:version, '', :at, '', :day)"
    )
    for version in (1, 2):
        database.transact(
            lambda session, version=version: put.changed(session, version=version, at=NOON, day=NOON.date())
        )
    total = database.transact(sums.one)
    assert total == Sum(3, NOON.date())
    assert type(total.total) is int
    count = Statement("SELECT COUNT(*) FROM policyversion WHERE effective = :day", row=int)
    assert database.transact(lambda session: count.one(session, day=NOON.date())) == 2


def test_no_row_is_none_and_rows_without_a_reader_are_tuples(database: Database) -> None:
    assert database.transact(lambda session: READ.first(session, key="none")) is None
    assert database.transact(Statement("SELECT 7, 'a % b'").all) == [(7, "a % b")]


def test_a_line_for_one_database_is_not_seen_by_the_other(database: Database) -> None:
    both = Statement(
        """
        -- a comment, with a :colon
        SELECT LEAST(3, 2) + GREATEST(3, 2)
          , 'sqlite' -- sqlite
          , 'postgresql' -- postgres
        """
    )
    assert database.transact(both.one) == (5, database.engine.dialect.name)


def test_a_second_row_with_one_key_is_an_integrity_error(database: Database) -> None:
    database.transact(lambda session: keep(session, "one"))
    with pytest.raises(IntegrityError) as caught:
        database.transact(lambda session: keep(session, "one"))
    assert not caught.value.connection_invalidated
    assert database.transact(lambda session: keep(session, "two")) == 1


def test_wrong_sql_is_an_error_of_sqlalchemy(database: Database) -> None:
    for run in (database.transact, database.query):
        with pytest.raises(DBAPIError) as caught:
            run(Statement("SELECT nothing FROM nowhere").all)
        assert "nowhere" in str(caught.value)


@pytest.mark.parametrize("way", ["transact", "query"])
def test_a_lost_connection_is_said_to_be_invalidated_and_replaced(postgres: Database, way: str) -> None:
    run = getattr(postgres, way)
    me = Statement("SELECT pg_backend_pid()", row=int)
    end = Statement("SELECT pg_terminate_backend(:pid)")

    def lose(session: Session) -> None:
        pid = me.one(session)
        postgres.transact(lambda other: end.all(other, pid=pid))
        me.one(session)

    with pytest.raises(OperationalError) as caught:
        run(lose)
    assert caught.value.connection_invalidated
    assert run(me.one) > 0


def test_a_listener_hears_of_every_statement(database: Database) -> None:
    heard: list[str] = []
    event.listen(Engine, "before_cursor_execute", hear := lambda *call: heard.append(call[2]))
    database.transact(Statement("SELECT 1").all)
    database.query(Statement("SELECT 2").all)
    event.remove(Engine, "before_cursor_execute", hear)
    assert {"SELECT 1", "SELECT 2"} <= set(heard)
