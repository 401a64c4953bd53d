"""Engine and transactions: what SQLite and Postgres each need, behind one `run`.

The domain is synchronous: a transaction is a plain function on a Session, run in a thread, so nobody can wait for the
network inside it. SQLite has one writer thread and BEGIN IMMEDIATE; requests that wait together share one COMMIT. Who only
looks does so beside the writer.
"""

from __future__ import annotations

import asyncio
import queue
import random
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
"""Postgres connections: more only queue up at the same rows."""
BUSY = 250
"""Milliseconds that SQLite waits for another process at a time: short, so that a deadline is noticed soon after it."""
PAGES = 32 * 1024
"""KiB of SQLite pages kept in memory: nearly all of what closing a period takes, however many people there are."""
SWITCH = 0.0005
"""Seconds after which a thread that computes (the bases of a whole opening) lets another one go on: a question asks nine statements and
waits that long for each."""
SHARED = 64
"""Requests that may share one SQLite commit."""
_AGAIN = (
    "40001",
    "40P01",
    "23505",
)  # serialization, deadlock, a key somebody was first with: judge it afresh

T = TypeVar("T")
Work = Callable[[Session], T]


def engine_for(url: str) -> Engine:
    """An engine that keeps our promises: durable commits, enforced keys, one writer on SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=POOL, max_overflow=2)
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{PAGES}")
    return _sqlite(parsed, "BEGIN IMMEDIATE", *pragmas)


def looking_engine_for(url: str, engine: Engine) -> Engine:
    """An engine that can only read, each time from one moment: on SQLite with connections of its own."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _sqlite(make_url(url), "BEGIN", "query_only=ON")


def _sqlite(url: URL, begin: str, *pragmas: str) -> Engine:
    words = {"check_same_thread": False, "timeout": BUSY / 1000}
    engine = create_engine(url.set(drivername="sqlite"), connect_args=words, pool_size=POOL, max_overflow=2)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (f"busy_timeout={BUSY}", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class WouldWrite(Exception):  # noqa: N818 - what it found out
    """Who only looks would have written something."""


class _Looking(Session):
    def flush(self, objects: Any = None) -> None:
        if self.new or self.deleted or any(map(self.is_modified, self.dirty)):
            raise WouldWrite


@dataclass
class _Job:
    work: Work[Any]
    future: Future[Any]
    deadline: float | None


class Database:
    """`run` commits what a function did, or nothing of it; `look` lets it see and change nothing."""

    def __init__(self, url: str) -> None:
        sys.setswitchinterval(SWITCH)
        self.engine = engine_for(url)
        self._looking = looking_engine_for(url, self.engine)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._pool = ThreadPoolExecutor(POOL, thread_name_prefix="transaction")

    async def run(self, work: Work[T], *, within: float | None = None) -> T:
        """The result of `work(session)`, committed. Raises `TooSlow`, with nothing moved, after `within` seconds."""
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self.submit(work, deadline))

    async def look(self, work: Work[T], *, within: float | None = None) -> T:
        """What `work(session)` sees at one moment, without waiting for who writes. Raises `WouldWrite` where it would write."""
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self._pool.submit(self._seen, work, deadline))

    def transact(self, work: Work[T]) -> T:
        """The same from a plain thread, for the command line."""
        return self.submit(work, None).result()

    def submit(self, work: Work[T], deadline: float | None) -> Future[T]:
        if not self.sqlite:
            return self._pool.submit(self._alone, work, deadline)
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="writer", daemon=True)
                self._writer.start()
        job: _Job = _Job(work, Future(), deadline)
        self._jobs.put(job)
        return job.future

    def alive(self) -> bool:
        """Whether the database answers a question just now."""
        try:
            connection = self.engine.raw_connection()  # no BEGIN: asking must not wait for the writer
            try:
                connection.cursor().execute("SELECT 1")
            finally:
                connection.close()
        except (DBAPIError, OSError, self.engine.dialect.loaded_dbapi.Error):
            return False
        return True

    def close(self) -> None:
        """Finish what was begun and let go of the database."""
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join(timeout=10)
        self._pool.shutdown(wait=True)
        self._looking.dispose()
        self.engine.dispose()

    def _seen(self, work: Work[T], deadline: float | None) -> T:
        _in_time(deadline)
        with self._looking.connect() as connection, _Looking(connection) as session:
            result = work(session)
            session.flush()
        _in_time(deadline)
        return result

    # Postgres: a connection each

    def _alone(self, work: Work[T], deadline: float | None) -> T:
        for attempt in range(5):
            try:
                return self._once(work, deadline)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _AGAIN or attempt == 4:
                    raise
                time.sleep(random.uniform(0.002, 0.02) * (attempt + 1))  # noqa: S311
        raise AssertionError

    def _once(self, work: Work[T], deadline: float | None) -> T:
        _in_time(deadline)
        with self.engine.connect() as connection, connection.begin(), _session(connection) as session:
            if deadline is not None:
                patience = max(1, int((deadline - time.monotonic()) * 1000))
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {patience}")
            try:
                result = work(session)
                session.flush()
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == "57014":  # canceled by the timeout
                    raise TooSlow from error
                raise
            _in_time(deadline)
        return result

    # SQLite: one writer; everything that waits shares a commit, each part in its savepoint

    def _write(self) -> None:
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
        """Nobody hears anything, not even a refusal, before what it was judged by is committed."""
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self.engine.connect() as connection, connection.begin():
                outcomes = [(job, *_part(connection, job)) for job in batch if not job.future.cancelled()]
        except BaseException as error:  # noqa: BLE001 - whatever it was, nothing of this batch is in the database
            self._not_committed(batch, error)
            return
        for job, result, failure in outcomes:
            _settle(job.future, result, failure)

    def _not_committed(self, batch: list[_Job], error: BaseException) -> None:
        locked = isinstance(error, OperationalError) and "locked" in str(error.orig)
        for job in batch:
            if not locked:
                _settle(job.future, None, error)
            elif job.deadline is not None and time.monotonic() > job.deadline:
                _settle(job.future, None, TooSlow())
            else:
                self._jobs.put(job)  # another process is writing: wait on


def _part(connection: Connection, job: _Job) -> tuple[Any, BaseException | None]:
    savepoint = connection.begin_nested()
    try:
        _in_time(job.deadline)
        with _session(connection) as session:
            result = job.work(session)
            session.flush()
        _in_time(job.deadline)
        savepoint.commit()
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
        if savepoint.is_active:  # a flush that failed has gone back already
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
