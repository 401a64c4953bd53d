"""A database of an earlier schema."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import make_url, text

from bot.database import Database
from bot.migrate import _config


@contextlib.contextmanager
def database_before(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """An empty database of the schema before, `sqlite` or `postgres` as the fixture's parameter says."""
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'before.db'}"
    else:
        server = request.getfixturevalue("postgres_url")
        url = make_url(server).set(database="before").render_as_string(hide_password=False)
        admin = Database(server)
        with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE IF EXISTS before"))
            connection.execute(text("CREATE DATABASE before"))
        admin.close()
    database = Database(url)
    with database.engine.connect() as connection, connection.begin():
        command.upgrade(_config(connection), "0006")
    yield database
    database.close()
