"""Two connections to one SQLite file: the losses that BEGIN IMMEDIATE prevents."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.database import Database
from handlers import lending
from models.refusal import (
    Refusal,
)
from tests.actions import USD, has, sound
from tests.company import asks, who
from tests.races import PATIENCE, kinds


def two_connections(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    both = [sqlite3.connect(path, isolation_level=None, timeout=0) for _ in range(2)]
    return both[0], both[1]


READ = "SELECT balance FROM account WHERE kind = 'allocation' AND member_id = 1"
TAKE = "UPDATE account SET balance = ? WHERE kind = 'allocation' AND member_id = 1"


def test_reading_and_writing_without_a_transaction_loses_money(
    sqlite_company: Database, tmp_path: Path
) -> None:
    """Read, think, write, each in its own moment: the second writer overwrites what the first one took."""
    one, other = two_connections(tmp_path / "quotabot.db")
    seen = one.execute(READ).fetchone()[0], other.execute(READ).fetchone()[0]
    one.execute(TAKE, (seen[0] - 30 * USD,))
    other.execute(TAKE, (seen[1] - 30 * USD,))
    assert one.execute(READ).fetchone()[0] == 70 * USD, "60 were taken and only 30 are missing"
    one.close(), other.close()


def test_a_transaction_that_begins_by_reading_is_thrown_away_when_it_writes(
    sqlite_company: Database, tmp_path: Path
) -> None:
    """A deferred BEGIN: the snapshot is old by then, no waiting helps, and the whole request has to be done again."""
    one, other = two_connections(tmp_path / "quotabot.db")
    for connection in (one, other):
        connection.execute("BEGIN")
        assert connection.execute(READ).fetchone()[0] == 100 * USD
    one.execute(TAKE, (70 * USD,))
    one.execute("COMMIT")
    other.execute("PRAGMA busy_timeout = 60000")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute(TAKE, (70 * USD,))
    one.close(), other.close()


def test_begin_immediate_takes_turns_also_with_another_process(
    sqlite_company: Database, tmp_path: Path
) -> None:
    """BEGIN IMMEDIATE: whoever begins second reads what the first one left."""
    other = Database(f"sqlite_company:///{tmp_path / 'quotabot.db'}")  # as another process would
    actions = [
        (
            database,
            lambda session, n=n: lending.lend(
                asks(session, "alice", key=f"k{n}"), who(session, "bob"), 10 * USD
            ),
        )
        for n, database in enumerate([sqlite_company, other] * 10)
    ]
    outcomes = [(database.submit(deed, None)) for database, deed in actions]
    answers = []
    for one in outcomes:
        try:
            answers.append(one.result(PATIENCE))
        except Refusal as no:
            answers.append(no)
    assert kinds(answers) == {"Message": 8, "NotLendable": 12}
    assert has(sqlite_company, "alice").allocation == 20 * USD
    sound(sqlite_company)
    other.close()
