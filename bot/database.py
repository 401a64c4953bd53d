"""Engines and transactions for SQLite and Postgres, behind `read` and `write`.

The domain is synchronous: a transaction is a plain function on a Session, run in a thread, so it cannot wait for the
network. SQLite has one writer thread and BEGIN IMMEDIATE; requests that wait together share one COMMIT. Reads run beside
the writer, on connections of their own that cannot write.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from models.refusal import TooSlow

POOL = 8
"""Postgres connections; more would only wait for the same rows."""
BUSY = 250
"""Milliseconds that SQLite waits for another process at a time; short, so that a deadline is noticed in time."""
PAGES = 32 * 1024
"""KiB of SQLite pages kept in memory: nearly all that closing a period needs, for any number of people."""
SWITCH = 0.0005
"""Seconds after which a computing thread yields to another. A question runs nine statements and may wait this long for each."""
SHARED = 64
"""Requests that may share one SQLite commit."""
_RETRIED = ("40001", "40P01", "23505")
"""Postgres: serialization failure, deadlock, duplicate key. A second attempt sees what the other transaction did."""

T = TypeVar("T")
Work = Callable[[Session], T]


def engine_for(url: str) -> Engine:
    """The writing engine: durable commits, enforced foreign keys, one writer on SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=POOL, max_overflow=2)
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{PAGES}")
    return _sqlite(parsed, "BEGIN IMMEDIATE", *pragmas)


def reading_engine_for(url: str, engine: Engine) -> Engine:
    """A read-only engine; each transaction is one snapshot. On SQLite it has connections of its own and takes no write lock."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _sqlite(make_url(url), "BEGIN", "query_only=ON")


def _sqlite(url: URL, begin: str, *pragmas: str) -> Engine:
    options = {
        "check_same_thread": False,
        "timeout": BUSY / 1000,
    }  # the timeout comes first: a PRAGMA may wait, too
    engine = create_engine(url.set(drivername="sqlite"), connect_args=options, pool_size=POOL, max_overflow=2)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would choose its own time for BEGIN
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class WouldWrite(Exception):  # noqa: N818 - a finding, not a fault
    """Raised when a read-only transaction would write; retry it as a write."""


class _ReadOnly(Session):
    def flush(self, objects: Any = None) -> None:
        if self.new or self.deleted or any(map(self.is_modified, self.dirty)):
            raise WouldWrite


@dataclass
class _Job:
    work: Work[Any]
    future: Future[Any]
    deadline: float | None


class Database:
    """`write` commits all that a function did, or nothing; `read` runs a function that changes nothing.

    Coroutines call `write` and `read`; a plain thread, as on the command line, calls `transact` and `query`.
    """

    def __init__(self, url: str) -> None:
        sys.setswitchinterval(SWITCH)
        self.engine = engine_for(url)
        self._reading = reading_engine_for(url, self.engine)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self.wrote = False
        """Whether anything was asked to be written."""
        self._pool = ThreadPoolExecutor(POOL, thread_name_prefix="transaction")

    async def write(self, work: Work[T], *, within: float | None = None) -> T:
        """The result of `work(session)`, committed. Raises `TooSlow`, with nothing moved, after `within` seconds."""
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self.submit(work, deadline))

    async def read(self, work: Work[T], *, within: float | None = None) -> T:
        """The result of `work(session)` on one snapshot; never waits for a writer. Raises `WouldWrite` instead of writing."""
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self._pool.submit(self._read, work, deadline))

    def transact(self, work: Work[T]) -> T:
        """`write` for a plain thread."""
        return self.submit(work, None).result()

    def query(self, work: Work[T]) -> T:
        """`read` for a plain thread."""
        return self._read(work, None)

    def submit(self, work: Work[T], deadline: float | None) -> Future[T]:
        """`write` as a future; `deadline` is a time of `time.monotonic`."""
        self.wrote = True
        if not self.sqlite:
            return self._pool.submit(self._write_alone, work, deadline)
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_batches, name="writer", daemon=True)
                self._writer.start()
        job: _Job = _Job(work, Future(), deadline)
        self._jobs.put(job)
        return job.future

    def alive(self) -> bool:
        """True if the database answers now; does not wait for the writer."""
        try:
            connection = self._reading.raw_connection()
            try:
                connection.cursor().execute("SELECT 1")
            finally:
                connection.close()
        except (DBAPIError, OSError, self.engine.dialect.loaded_dbapi.Error):
            return False
        return True

    def close(self) -> None:
        """Finish what was submitted, then close every connection."""
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join(timeout=10)
        self._pool.shutdown(wait=True)
        self._reading.dispose()
        self.engine.dispose()

    def _read(self, work: Work[T], deadline: float | None) -> T:
        """Read, again while SQLite is briefly locked: its write-ahead log is being opened, recovered or removed."""
        while True:
            try:
                return self._read_once(work, deadline)
            except OperationalError as error:
                if not locked(error):
                    raise
                time.sleep(BUSY / 10_000)  # not every lock makes SQLite wait

    def _read_once(self, work: Work[T], deadline: float | None) -> T:
        _in_time(deadline)
        with self._reading.connect() as connection, _ReadOnly(connection) as session:
            result = work(session)
            session.flush()
        _in_time(deadline)
        return result

    # Postgres: a connection each

    def _write_alone(self, work: Work[T], deadline: float | None) -> T:
        for attempt in range(5):
            try:
                return self._write_once(work, deadline)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _RETRIED or attempt == 4:
                    raise
                time.sleep(random.uniform(0.002, 0.02) * (attempt + 1))  # noqa: S311
        raise AssertionError

    def _write_once(self, work: Work[T], deadline: float | None) -> T:
        _in_time(deadline)
        with self.engine.connect() as connection, connection.begin(), _session(connection) as session:
            if deadline is not None:
                left = max(1, int((deadline - time.monotonic()) * 1000))
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {left}")
            try:
                result = work(session)
                session.flush()
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == "57014":  # canceled by the timeout
                    raise TooSlow from error
                raise
            _in_time(deadline)
        return result

    # SQLite: one writer; all that waits shares a commit, each request in its savepoint

    def _write_batches(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, stop = [first], False
            while len(batch) < SHARED:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                batch.append(following)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[_Job]) -> None:
        """Run a batch and commit it. Results and refusals are handed out after the commit: both rest on what it wrote."""
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self.engine.connect() as connection, connection.begin():
                outcomes = [(job, *_part(connection, job)) for job in batch if not job.future.cancelled()]
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing of this batch is in the database
            self._not_committed(batch, error)
            return
        for job, result, failure in outcomes:
            _settle(job.future, result, failure)

    def _not_committed(self, batch: list[_Job], error: BaseException) -> None:
        waits = locked(error)
        for job in batch:
            if not waits:
                _settle(job.future, None, error)
            elif job.deadline is not None and time.monotonic() > job.deadline:
                _settle(job.future, None, TooSlow())
            else:
                self._jobs.put(job)


def locked(error: BaseException) -> bool:
    """True if another process holds SQLite's lock: wait and try again."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)


def _part(connection: Connection, job: _Job) -> tuple[Any, BaseException | None]:
    savepoint = connection.begin_nested()
    try:
        _in_time(job.deadline)
        with _session(connection) as session:
            result = job.work(session)
            session.flush()
        _in_time(job.deadline)
        savepoint.commit()
    except Exception as error:  # noqa: BLE001 - handed to the caller through its future
        if savepoint.is_active:  # a failed flush has rolled back already
            savepoint.rollback()
        return None, error
    return result, None


def _settle(future: Future[Any], result: Any, error: BaseException | None) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error) if error is not None else future.set_result(result)


def _session(connection: Connection) -> Session:
    return Session(connection, expire_on_commit=False, join_transaction_mode="rollback_only")


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TooSlow
