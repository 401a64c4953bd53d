"""Engines and transactions for SQLite and Postgres, behind `read` and `write`.

A transaction is a plain function on a Session, run in a thread, so it cannot wait for the network. SQLite
has one writer thread and BEGIN IMMEDIATE; requests that wait together share one COMMIT. Reads run beside
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

from sqlalchemy import Connection, Transaction
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from bot.engines import BUSY, POOL, engine_for, reading_engine_for
from bot.look import OneLook, ReadingDriver, SecondStatement
from models.messages.outgoing import GatheringSession
from models.refusal import TooSlow

# Seconds after which a computing thread yields; each of a request's nine statements may wait so long.
SWITCH = 0.0005
# Most requests in one SQLite commit.
SHARED = 64
# Postgres: serialization failure, deadlock, duplicate key. A second attempt sees the other's result.
_RETRIED = ("40001", "40P01", "23505")
# Postgres: connection exceptions; the server is stopping or has stopped.
_LOST = ("08", "57P")
# Postgres: canceled, here by `statement_timeout`.
_CANCELED = "57014"
_XID = "SELECT pg_current_xact_id_if_assigned()::text"
_STATUS = "SELECT pg_xact_status(%s::xid8)"
# Seconds after its deadline in which a transaction ends by itself.
GRACE = 0.25
# Seconds that a command waits for the server to report the outcome of its COMMIT.
SETTLE = 30.0

T = TypeVar("T")
Work = Callable[[Session], T]


class OutcomeUnknown(Exception):  # noqa: N818 - a finding, not a fault
    """The connection broke during COMMIT. A receipt or the server knows the outcome."""


@dataclass
class _Attempt:
    """Progress of a Postgres transaction. `xid`: the server's id of it, asked for if `named`."""

    named: bool = False
    committing: bool = False
    xid: str | None = None
    result: Any = None


@dataclass
class _Job:
    work: Work[Any]
    future: Future[Any]
    deadline: float | None


class Database:
    """`write` commits everything that a function did, or nothing; `read` runs a function that changes nothing.

    Coroutines call `write` and `read`; a plain thread, as of a command, calls `transact` and `query`.
    """

    def __init__(self, url: str) -> None:
        sys.setswitchinterval(SWITCH)
        self.engine = engine_for(url)
        self._reading = reading_engine_for(url, self.engine)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        # Whether anything was submitted for writing.
        self.wrote = False
        self._pool = ThreadPoolExecutor(POOL, thread_name_prefix="transaction")

    async def write(self, work: Work[T], *, within: float | None = None) -> T:
        """The result of `work(session)`, committed. Raises `TooSlow`, with nothing moved, after `within` seconds.

        Raises `OutcomeUnknown` when the connection breaks at COMMIT, or the server does not answer in time.
        """
        deadline = None if within is None else time.monotonic() + within
        attempt = _Attempt()
        future = asyncio.wrap_future(self.submit(work, deadline, attempt))
        if within is None or self.sqlite:
            return await future
        await asyncio.wait([future], timeout=within + GRACE)
        if future.done():
            return future.result()
        future.cancel()
        # A COMMIT that has not begun will not begin, because the deadline has passed.
        raise OutcomeUnknown if attempt.committing else TooSlow

    async def read(
        self, work: Work[T], *, within: float | None = None, single: bool = False, dropping: bool = False
    ) -> T:
        """The result of `work(session)` on one snapshot; never waits for a writer.

        `single`: it asks one statement, as a rule. `dropping`: where nothing can be written, what would be is
        dropped; else raises `WouldWrite`.
        """
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self._pool.submit(self._read, work, deadline, single, dropping))

    def transact(self, work: Work[T]) -> T:
        """`write` for a plain thread.

        If the connection breaks at COMMIT, waits for the server to report the outcome.
        """
        attempt = _Attempt(named=True)
        try:
            return self.submit(work, None, attempt).result()
        except OutcomeUnknown as unknown:
            if not self._committed(attempt, unknown):
                raise unknown.__cause__ or unknown from None
            result: T = attempt.result
            return result

    def query(self, work: Work[T]) -> T:
        return self._read(work, None)

    def submit(self, work: Work[T], deadline: float | None, attempt: _Attempt | None = None) -> Future[T]:
        """`write` as a future; `deadline` is a time of `time.monotonic`."""
        self.wrote = True
        if not self.sqlite:
            return self._pool.submit(self._write_alone, work, deadline, attempt or _Attempt())
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
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join(timeout=10)
        self._pool.shutdown(wait=True)
        self._reading.dispose()
        self.engine.dispose()

    def _read(self, work: Work[T], deadline: float | None, single: bool = False, dropping: bool = False) -> T:
        # Locked for moments: another process opens, recovers or removes the write-ahead log.
        while True:
            try:
                return self._read_once(work, deadline, single, dropping)
            except SecondStatement:
                single = False
            except OperationalError as error:
                if not locked(error):
                    raise
                time.sleep(BUSY / 10_000)  # busy_timeout does not cover every lock

    def _read_once(self, work: Work[T], deadline: float | None, single: bool, dropping: bool) -> T:
        _in_time(deadline)
        with (
            ReadingDriver(self._reading, single=single) as driver,
            OneLook(driver, dropping=dropping) as session,
        ):
            result = work(session)
            session.flush()
        _in_time(deadline)
        return result

    # Postgres: a connection each

    def _write_alone(self, work: Work[T], deadline: float | None, attempt: _Attempt) -> T:
        for number in range(5):
            try:
                return self._write_once(work, deadline, attempt)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _RETRIED or number == 4:
                    raise
                # The server reported the failure, so nothing was committed.
                attempt.committing = False
                time.sleep(random.uniform(0.002, 0.02) * (number + 1))  # noqa: S311
        raise AssertionError

    def _write_once(self, work: Work[T], deadline: float | None, attempt: _Attempt) -> T:
        _in_time(deadline)
        with self.engine.connect() as connection, connection.begin() as transaction:
            attempt.result = result = self._work(connection, work, deadline)
            if attempt.named:
                attempt.xid = connection.exec_driver_sql(_XID).scalar_one()
            # From here on a broken connection leaves the outcome unknown.
            attempt.committing = True
            _in_time(deadline)
            _commit(transaction)
        return result

    def _work(self, connection: Connection, work: Work[T], deadline: float | None) -> T:
        with _session(connection) as session:
            if deadline is not None:
                # A value of 0 would switch the timeout off.
                left = max(1, int((deadline - time.monotonic()) * 1000))
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {left}")
            try:
                result = work(session)
                session.flush()
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == _CANCELED:
                    raise TooSlow from error
                raise
        return result

    def _committed(self, attempt: _Attempt, unknown: OutcomeUnknown) -> bool:
        """Ask the server for the outcome, also while it is away at first.

        Raises `OutcomeUnknown` if it cannot tell.
        """
        until = time.monotonic() + SETTLE
        while attempt.xid is not None and time.monotonic() < until:
            try:
                with self.engine.connect() as connection:
                    status = connection.exec_driver_sql(_STATUS, (attempt.xid,)).scalar_one()
            except DBAPIError:
                status = None
            if status in ("committed", "aborted"):
                return bool(status == "committed")
            time.sleep(0.2)
        raise unknown

    # SQLite: one writer. Waiting requests share a commit, each in its savepoint.

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
        # Results and refusals are handed out after the commit: both rest on rows that it wrote.
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self.engine.connect() as connection, connection.begin():
                wanted = [job for job in batch if not job.future.cancelled()]
                outcomes = [(job, *_part(connection, job, alone=len(wanted) == 1)) for job in wanted]
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


def is_away(error: DBAPIError) -> bool:
    """True if there was no connection, or it broke."""
    state = getattr(error.orig, "sqlstate", None) or ""
    lost = error.connection_invalidated or state.startswith(_LOST)
    return bool(lost or (isinstance(error, OperationalError) and not state and not locked(error)))


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except DBAPIError as error:
        if is_away(error):
            raise OutcomeUnknown from error
        if getattr(error.orig, "sqlstate", None) == _CANCELED:
            raise TooSlow from error
        raise


def locked(error: BaseException) -> bool:
    """True if another process holds SQLite's lock: wait and try again."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)


def _run(connection: Connection, job: _Job) -> Any:
    _in_time(job.deadline)
    with _session(connection) as session:
        result = job.work(session)
        session.flush()
    _in_time(job.deadline)
    return result


def _part(connection: Connection, job: _Job, *, alone: bool) -> tuple[Any, BaseException | None]:
    if alone:  # its transaction is rolled back instead
        return _run(connection, job), None
    savepoint = connection.begin_nested()
    try:
        result = _run(connection, job)
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
    return GatheringSession(connection, expire_on_commit=False, join_transaction_mode="rollback_only")


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TooSlow
