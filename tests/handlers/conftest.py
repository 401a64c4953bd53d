"""A settled town in a SQLite file: what differs between the databases is shown in tests/models and tests/bot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from bot.database import Database
from tests.company import settle_company


@pytest.fixture(scope="session")
def settled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settled") / "town.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database)
    database.close()
    return path


@pytest.fixture
def session(settled: Path, tmp_path: Path) -> Iterator[Session]:
    """One transaction in the settled town, never committed."""
    path = tmp_path / "town.db"
    shutil.copy(settled, path)
    database = Database(f"sqlite:///{path}")
    with (
        database.engine.connect() as connection,
        connection.begin() as transaction,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
        transaction.rollback()
    database.close()
