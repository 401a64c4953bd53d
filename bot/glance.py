"""A read without SQLAlchemy: half a second less for a command that shows one thing.

For a database that is as this program expects it; whatever is not is left to `console.open_database`, which says what is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote

from models.migrations import head

T = TypeVar("T")
# Seconds for opening a connection to Postgres, and for SQLite's lock.
WITHIN = 3.0


class Unclear(Exception):  # noqa: N818 - a finding, not a fault
    """This database is not for a glance."""


class Glance:
    """A session for Statements alone: one moment of the database on a connection of the driver that cannot write."""

    def __init__(self, connection: Any, dialect: str, error: type[Exception]) -> None:
        self.connection, self.dialect, self.error = connection, dialect, error
        self.traces: tuple[Callable[..., Any], ...] = ()
        self.driver = self

    def flush(self) -> None:
        """Nothing waits to be written."""

    def translated(self, error: Any, *_: Any) -> BaseException:
        return Unclear(str(error))


def glance(url: str, work: Callable[[Glance], T]) -> T | None:
    """The result of `work`; None where the database is not one of this program's, of this version, and at hand."""
    with suppress(Unclear, OSError), _opened(url) as session:
        found = session.connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if [row[0] for row in found] == [head()]:
            return work(session)
    return None


@contextmanager
def _opened(url: str) -> Iterator[Glance]:
    scheme, place = url.partition("://")[::2]
    kind, dialect = (_sqlite, "sqlite") if scheme == "sqlite" else (_postgres, "postgresql")
    if scheme not in ("sqlite", "postgresql", "postgresql+psycopg"):
        raise Unclear(scheme)
    connect, error = kind(place)
    try:
        with closing(connect()) as connection:
            yield Glance(connection, dialect, error)
    except error as failure:
        raise Unclear(str(failure)) from failure


def _sqlite(place: str) -> tuple[Callable[[], Any], type[Exception]]:
    if not place.startswith("/") or "?" in place or len(place) < 2:
        raise Unclear(place)

    def connect() -> sqlite3.Connection:
        # Not `mode=ro`: beside a writer the log's index is written by readers, too.
        connection = sqlite3.connect(
            f"file:{quote(place[1:])}?mode=rw", uri=True, timeout=WITHIN, isolation_level=None
        )
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        return connection

    return connect, sqlite3.Error


def _postgres(place: str) -> tuple[Callable[[], Any], type[Exception]]:
    import psycopg  # noqa: PLC0415 - only where the database is one

    def connect() -> Any:
        connection = psycopg.connect(f"postgresql://{place}", connect_timeout=int(WITHIN), autocommit=True)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return connection

    return connect, psycopg.Error
