"""Engines for SQLite and Postgres: one that writes, and one that only reads."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

# Threads that read and, on Postgres, threads that write, with a connection each; more would only wait for the same rows.
POOL = 8
# Milliseconds that SQLite waits for another process at a time; short, so that a deadline is noticed in
# time.
BUSY = 250
# KiB of SQLite pages in memory: nearly enough to close a period, for any number of people.
PAGES = 32 * 1024
# Pages of 4 KiB in the log before they are written to the database: a usage page changes about a thousand.
WAL = 4000
# Seconds for opening a connection.
CONNECT = 3


def engine_for(url: str) -> Engine:
    """The writing engine: durable commits, enforced foreign keys, one writer on SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _lazily(_postgres(parsed))
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{PAGES}",
        f"wal_autocheckpoint={WAL}",
    )
    return _lazily(_sqlite(parsed, "BEGIN IMMEDIATE", *pragmas))


def reading_engine_for(url: str, engine: Engine) -> Engine:
    """A read-only engine; each transaction is one snapshot. SQLite gets separate connections without a write lock."""
    if engine.dialect.name == "postgresql":
        return _postgres(make_url(url), isolation_level="AUTOCOMMIT")  # a look begins and ends by itself
    return _sqlite(make_url(url), "BEGIN", "query_only=ON")


def _psycopg(url: URL) -> tuple[URL, dict[str, Any]]:
    options: dict[str, Any] = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT}
    if url.query.get("pgbouncer") == "true":
        options["prepare_threshold"] = None  # the next transaction may run on another server connection
    return url.set(drivername="postgresql+psycopg").difference_update_query(["pgbouncer"]), options


def connect_words(url: URL, dialect: Dialect) -> dict[str, Any]:
    """The arguments with which psycopg opens a connection of its own, without transactions."""
    driver, options = _psycopg(url)
    words = dialect.create_connect_args(driver)[1]
    return {**words, **options, "autocommit": True}


def _postgres(url: URL, **more: Any) -> Engine:
    driver, options = _psycopg(url)
    # The connection used last is warm: its statements are prepared.
    return create_engine(
        driver, connect_args=options, pool_size=POOL, max_overflow=2, pool_use_lifo=True, **more
    )


def limit(connection: Connection, seconds: float, wait: int = 0) -> None:
    """Postgres: how long a statement may take from here on, and how many milliseconds it may wait for a row (0: as long)."""
    # A statement_timeout of 0 would switch it off.
    most = max(1, int(seconds * 1000))
    _before_the_next(connection, f"SET LOCAL statement_timeout = {most}; SET LOCAL lock_timeout = {wait}")


_WAITING = "waiting"
"""The key of `Connection.info` for SQL that goes out with the next statement."""


def _before_the_next(connection: Connection, sql: str) -> None:
    connection.info.setdefault(_WAITING, []).append(sql)


def _lazily(engine: Engine) -> Engine:
    """Savepoints and limits go out together, before the first statement that needs them: one round trip, or none."""
    dialect: Any = engine.dialect
    sqlite = dialect.name == "sqlite"

    def savepoint(connection: Connection, name: str) -> None:
        _before_the_next(connection, f"SAVEPOINT {name}")

    def rollback(connection: Connection, name: str) -> None:
        if not connection.info.pop(_WAITING, None):
            connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")

    def release(connection: Connection, name: str) -> None:
        # On Postgres it ends with the transaction, without a round trip of its own.
        if not connection.info.pop(_WAITING, None) and sqlite:
            connection.connection.cursor().execute(f"RELEASE SAVEPOINT {name}")

    @event.listens_for(engine, "begin")
    def forget(connection: Connection) -> None:
        connection.info.pop(_WAITING, None)

    @event.listens_for(engine, "before_cursor_execute")
    def send(connection: Any, *_: Any) -> None:
        # `connection`: SQLAlchemy's, or the `Driver` of a `Statement`. Without parameters psycopg sends several at once.
        if waiting := connection.connection.info.pop(_WAITING, None):
            if isinstance(connection, Connection):
                connection.exec_driver_sql("; ".join(waiting), execution_options={"no_parameters": True})
            else:
                connection.connection.cursor().execute("; ".join(waiting))

    dialect.do_savepoint, dialect.do_rollback_to_savepoint, dialect.do_release_savepoint = (
        savepoint,
        rollback,
        release,
    )
    return engine


def _sqlite(url: URL, begin: str, *pragmas: str) -> Engine:
    options = {
        "check_same_thread": False,
        "timeout": BUSY / 1000,
    }  # set before the PRAGMAs, which may wait, too
    _make_private(url.database)
    engine = create_engine(
        url.set(drivername="sqlite"), connect_args=options, pool_size=POOL, max_overflow=2, pool_use_lifo=True
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else the driver sends BEGIN by itself
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if begin != "BEGIN":
            connection.exec_driver_sql(begin)
        elif not getattr(
            connection.connection.dbapi_connection, "in_transaction", False
        ):  # else a look has begun
            connection.connection.cursor().execute(begin)

    return engine


def _make_private(path: str | None) -> None:
    # SQLite gives its log and index the mode of the database file, so the file is created with 0600.
    if path and path != ":memory:" and not path.startswith("file:"):
        with contextlib.suppress(OSError):  # the connection reports an unusable place
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
