"""One dialect for all engines of a process, so that a statement is compiled once and not anew for every test's database.

SQLAlchemy keeps compiled statements by dialect object: a quarter of the processor time of a test with a database.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

# All statements of all tests; an engine of its own keeps 500.
COMPILED: LRUCache[Any, Any] = LRUCache(5000)


class _Once:
    """A dialect that is made and asks its server for what it can once."""

    supports_statement_cache = True
    _only: Any = None
    _asked = False

    def __new__(cls, **_: Any) -> Any:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __init__(self, **options: Any) -> None:
        if not hasattr(self, "dbapi"):
            super().__init__(**options)

    def initialize(self, connection: Connection) -> None:
        if not self._asked:
            super().initialize(connection)  # type: ignore[misc]
            self._asked = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=COMPILED)


class SQLite(_Once, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class Postgres(_Once, PGDialect_psycopg):
    supports_statement_cache = True


def share() -> None:
    registry.register("sqlite", __name__, "SQLite")
    registry.register("postgresql.psycopg", __name__, "Postgres")
