"""Commands that only read never wait for a writer, on both databases, however many run at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.database import Database
from models.migrations.tables import metadata
from tests.console import POLICY, Operator

BOUND = 60
"""Seconds after which a test gives up; none of them takes a part of it."""
CROWD = 8  # readers beside a writer
READING = {
    "show": ("show", "alice@corp.example"),
    "audit": ("audit",),
    "report": ("report",),
    "budget": ("budget",),
    "ledger": ("export", "ledger"),
    "loans": ("export", "loans"),
    "requests": ("export", "requests"),
    "usage": ("export", "usage"),
    "plan": ("policy", "plan"),
    "history": ("policy", "history"),
    "policy": ("policy", "show"),
    "people": ("people", "export"),
    "import --dry-run": ("people", "import", "--dry-run", "people.csv"),
    "dingtalk": ("dingtalk", "usage"),
}


@pytest.fixture(params=["sqlite", "postgres"])
def office(request: pytest.FixtureRequest, fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An operator whose policy has a year's budget, so that every reading command has something to say."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").engine.url
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    fresh.settle(f"{POLICY}organisation: {{year_budget: 1000000}}\n")
    return fresh


@contextmanager
def writing() -> Iterator[sqlite3.Connection | None]:
    """Hold the lock that every writer needs, with a change that is not committed."""
    if os.environ["DATABASE_URL"].startswith("sqlite"):
        path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE member SET name = 'Mallory'")
            yield connection
        return
    database = Database(os.environ["DATABASE_URL"])
    names = ", ".join(f'"{name}"' for name in metadata().tables)
    with database.engine.connect() as holding:
        holding.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))  # any lock on a row waits for this
        holding.execute(text("UPDATE member SET name = 'Mallory'"))
        yield None
        holding.rollback()
    database.close()


def test_a_reading_command_ends_while_a_writer_holds_the_lock(office: Operator) -> None:
    with ThreadPoolExecutor(1) as beside, writing():
        said = beside.submit(lambda: [office.run(*words).output for words in READING.values()])
        assert "Mallory" not in "".join(said.result(BOUND))


def crowd(*words: str, size: int = CROWD) -> list[tuple[int, str]]:
    """Exit code and output of the same command in many processes that start at once."""
    program = f"""
import os, sys
from bot.cli.app import app
import bot.cli.console
gate, opened = os.pipe()
children = []
for number in range({size}):
    if (child := os.fork()) == 0:
        os.close(opened)
        out = os.open(f"said{{number}}", os.O_CREAT | os.O_WRONLY)
        os.dup2(out, 1), os.dup2(out, 2)
        os.read(gate, 1)
        code = 70
        try:
            app({list(words)!r})
        except SystemExit as error:
            code = error.code
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    children.append(child)
os.close(opened)
print(*[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True, text=True, check=True, timeout=BOUND,
    )  # fmt: skip
    codes = map(int, done.stdout.split())
    return [(code, Path(f"said{number}").read_text()) for number, code in enumerate(codes)]


def test_a_crowd_of_readers_ends_while_a_writer_holds_the_lock(operator: Operator) -> None:
    with writing() as writer:
        found = crowd("show", "alice@corp.example")
        assert writer is not None
        assert writer.in_transaction
    assert {code for code, _ in found} == {0}, found
    assert len(found) == CROWD
    assert all("Alice" in said for _, said in found)


def test_a_crowd_of_readers_that_opens_and_closes_the_log_is_answered(operator: Operator) -> None:
    """Without another connection each reader may be the first to open SQLite's write-ahead log, or the last to remove it."""
    found = crowd("show", "alice@corp.example", size=20)
    assert {code for code, _ in found} == {0}, found


def test_a_crowd_of_readers_makes_a_new_database_once(fresh: Operator) -> None:
    found = crowd("show", "nobody@corp.example", size=5)  # each of them loads Alembic
    assert set(found) == {(1, "nobody has the e-mail nobody@corp.example\n")}
