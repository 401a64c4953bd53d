"""A database of an earlier schema, for tests of what a migration does to its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.database import Database
from tests.models.migrations.earlier import database_before


@pytest.fixture(params=["sqlite", "postgres"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the schema before."""
    with database_before(request, tmp_path) as database:
        yield database
