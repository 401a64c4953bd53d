"""A database of an earlier schema, for tests of what a migration does to its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import make_url, text

from bot.database import Database
from bot.migrate import _config


@pytest.fixture(params=["sqlite", "postgres"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the schema before."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'before.db'}"
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
