"""Engines for SQLite and Postgres: one that writes, and one that only reads."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

# Postgres connections; more would only wait for the same rows.
POOL = 8
# Milliseconds that SQLite waits for another process at a time; short, so that a deadline is noticed in
# time.
BUSY = 250
# KiB of SQLite pages in memory: nearly enough to close a period, for any number of people.
PAGES = 32 * 1024
# Seconds for opening a connection.
CONNECT = 3


def engine_for(url: str) -> Engine:
    """The writing engine: durable commits, enforced foreign keys, one writer on SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        options: dict[str, Any] = {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT}
        driver = parsed.set(drivername="postgresql+psycopg")
        return create_engine(driver, connect_args=options, pool_size=POOL, max_overflow=2)
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{PAGES}")
    return _sqlite(parsed, "BEGIN IMMEDIATE", *pragmas)


def reading_engine_for(url: str, engine: Engine) -> Engine:
    """A read-only engine; each transaction is one snapshot. SQLite gets separate connections without a write lock."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _sqlite(make_url(url), "BEGIN", "query_only=ON")


def _sqlite(url: URL, begin: str, *pragmas: str) -> Engine:
    options = {
        "check_same_thread": False,
        "timeout": BUSY / 1000,
    }  # set before the PRAGMAs, which may wait, too
    _make_private(url.database)
    engine = create_engine(url.set(drivername="sqlite"), connect_args=options, pool_size=POOL, max_overflow=2)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else the driver sends BEGIN by itself
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if begin == "BEGIN":  # cannot fail: a read takes its lock with its first statement
            connection.connection.cursor().execute(begin)
        else:
            connection.exec_driver_sql(begin)

    return engine


def _make_private(path: str | None) -> None:
    # SQLite gives its log and index the mode of the database file, so the file is created with 0600.
    if path and path != ":memory:" and not path.startswith("file:"):
        with contextlib.suppress(OSError):  # the connection reports an unusable place
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
