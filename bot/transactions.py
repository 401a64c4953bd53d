"""Writing transactions. What waits together shares one, and nobody hears before its COMMIT.

A thread begins a transaction for a job. Before it commits, it takes in what waits meanwhile, each in a savepoint, so that one
that fails undoes itself alone. SQLite has one such thread under BEGIN IMMEDIATE, Postgres a few.
"""

from __future__ import annotations

import queue
import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from bot.engines import limit
from models.messages.outgoing import GatheringSession, Rows, write
from models.people.member import Holding, OthersHold
from models.refusal import TooSlow

# Most jobs in one commit: of the only writer, and of one of several.
SHARED, FEW = 64, 16
# Postgres: serialization failure, deadlock, duplicate key. A second attempt sees the other transaction's
# result.
_RETRIED = ("40001", "40P01", "23505")
# Postgres: somebody else holds a row.
_NOT_AVAILABLE = "55P03"
# Postgres: connection exceptions; the server is stopping or has stopped.
_LOST = ("08", "57P")
# Postgres: canceled, here by `statement_timeout`.
_CANCELED = "57014"
# Milliseconds that a job waits for a row while its transaction holds rows of other jobs: two such transactions could wait
# for each other. Then it begins a transaction of its own.
_WAIT = 20
_XID = "SELECT pg_current_xact_id_if_assigned()::text"


class OutcomeUnknown(Exception):  # noqa: N818 - a finding, not a fault
    """The connection broke during COMMIT. A receipt or the server knows the outcome."""


class _Late(Exception):  # noqa: N818 - a finding, not a fault
    """The time of a job ran out while its transaction took in others."""


@dataclass
class Job:
    """Work to be committed by `deadline`, a time of `time.monotonic`.

    `xid`: the server's id of the transaction, asked for if `named`. `committing`: its COMMIT may have been sent.
    """

    work: Callable[[Session], Any]
    deadline: float | None = None
    named: bool = False
    future: Future[Any] = field(default_factory=Future)
    committing: bool = False
    xid: str | None = None
    result: Any = None
    failure: BaseException | None = None
    tries: int = 0
    alone: bool = False

    @property
    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def settle(self, failure: BaseException | None) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(failure) if failure is not None else self.future.set_result(self.result)


class Writers:
    """The threads that write."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine, self._sqlite = engine, engine.dialect.name == "sqlite"
        self._most, self._shared = most, SHARED if self._sqlite else FEW
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()

    def submit(self, job: Job) -> None:
        # On Postgres nobody waits for what has no deadline, so it may take long.
        job.alone = not self._sqlite and job.deadline is None
        with self._starting:
            if len(self._threads) < self._most:
                self._threads.append(threading.Thread(target=self._run, name="writer", daemon=True))
                self._threads[-1].start()
        self._jobs.put(job)

    def close(self) -> None:
        """Finish what was submitted."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(10 if self._sqlite else None)

    def _run(self) -> None:
        begins: deque[Job] = deque()
        while (job := begins.popleft() if begins else self._jobs.get()) is not None:
            begins.extend(self._transaction(job))

    def _transaction(self, first: Job) -> list[Job]:
        """Do a job, and what waits meanwhile. Returns jobs that begin a transaction of their own."""
        batch: list[Job] = []
        begins: list[Job] = []
        try:
            with self._engine.connect() as connection, connection.begin() as transaction:
                self._fill(connection, first, batch, begins)
                _commit(transaction, [] if self._sqlite else batch)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing of this transaction is known to be kept
            return self._not_committed(batch or [first], error) + begins
        # Results and refusals are handed out after the commit: both rest on rows that it wrote.
        for job in batch:
            job.settle(job.failure)
        return begins

    def _fill(self, connection: Connection, first: Job, batch: list[Job], begins: list[Job]) -> None:
        if first.future.cancelled():
            return
        batch.append(first)
        left, held = Rows(), set[int]()
        self._do(connection, first, left, held)
        while (
            not first.alone and not begins and len(batch) < self._shared and (job := self._next()) is not None
        ):
            if job.alone:
                begins.append(job)
            elif not job.future.cancelled():
                batch.append(job)
                if self._meets_others(connection, job, left, held):
                    begins.append(batch.pop())
        self._write(connection, batch, left)

    def _next(self) -> Job | None:
        try:
            job = self._jobs.get_nowait()
        except queue.Empty:
            return None
        if job is None:
            self._jobs.put(None)  # the end, for whichever thread asks next
        return job

    def _meets_others(self, connection: Connection, job: Job, left: Rows, held: set[int]) -> bool:
        """Do a job in a savepoint. True, and nothing is done, where another request was in its way."""
        savepoint = connection.begin_nested()
        try:
            self._do(connection, job, left, held, wait=_WAIT)
            savepoint.commit()
        except Exception as error:
            if isinstance(error, DBAPIError) and is_away(error):
                raise
            if savepoint.is_active:  # a failed flush has rolled back already
                savepoint.rollback()
            job.failure = _meaning(error)
            return isinstance(error, OthersHold) or _state(error) in (*_RETRIED, _NOT_AVAILABLE)
        return False

    def _do(self, connection: Connection, job: Job, left: Rows, held: set[int], wait: int = 0) -> None:
        """`left`: what all of them leave to be written. `held`: members whose quota or receipts it concerns."""
        job.failure, holding = None, Holding(held)
        _in_time(job)
        with _session(connection, holding) as session:
            if not self._sqlite and job.deadline is not None:
                limit(connection, job.deadline - time.monotonic(), wait)
            job.result = job.work(session)
            rows = session.flush_but_outgoing()
        _in_time(job)
        for table, some in rows.items():
            left.setdefault(table, []).extend(some)
        held.update(
            holding.mine if "move" in rows else (), (row["member_id"] for row in rows.get("receipt", ()))
        )

    def _write(self, connection: Connection, batch: list[Job], left: Rows) -> None:
        """Write what all of them left."""
        if left:
            times = [job.deadline - time.monotonic() for job in batch if job.deadline is not None]
            if times and not self._sqlite:
                limit(connection, min(times))
            with _session(connection) as session:
                write(session, left)
        if batch[0].named and not self._sqlite:
            batch[0].xid = connection.exec_driver_sql(_XID).scalar_one()

    def _not_committed(self, batch: list[Job], error: BaseException) -> list[Job]:
        """Settle them, or return those that are done again: each by itself where one of several may be the reason."""
        waits, shared = locked(error), len(batch) > 1
        retried = _state(error) in _RETRIED and batch[0].tries < 4
        again = not isinstance(error, OutcomeUnknown) and (shared or retried or isinstance(error, _Late))
        if retried:
            time.sleep(random.uniform(0.002, 0.02) * (batch[0].tries + 1))  # noqa: S311
        repeated = []
        for job in batch:
            job.tries += 1
            if (again or waits) and job.late:
                job.settle(TooSlow())
            elif waits:
                self._jobs.put(job)
            elif again:
                # The database reported the failure, so nothing was committed.
                job.committing, job.alone = False, job.alone or shared
                repeated.append(job)
            else:
                job.settle(_meaning(error))
        return repeated


def _session(connection: Connection, holding: Holding | None = None) -> GatheringSession:
    return GatheringSession(
        connection, expire_on_commit=False, join_transaction_mode="rollback_only", info={"holding": holding}
    )


def _commit(transaction: Transaction, batch: list[Job]) -> None:
    """`batch`: jobs whose callers stop waiting at their deadlines."""
    for job in batch:
        # From here on a broken connection leaves the outcome unknown.
        job.committing = True
    if any(job.late and job.failure is None for job in batch):
        raise _Late
    try:
        transaction.commit()
    except BaseException as error:
        # SQLite keeps a transaction open whose COMMIT failed; on this connection no other one could begin.
        transaction.connection.invalidate()
        if isinstance(error, DBAPIError) and is_away(error):
            raise OutcomeUnknown from error
        raise


def _meaning(error: BaseException) -> BaseException:
    return TooSlow() if _state(error) == _CANCELED else error


def _in_time(job: Job) -> None:
    if job.late:
        raise TooSlow


def _state(error: BaseException) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def is_away(error: DBAPIError) -> bool:
    """True if there was no connection, or it broke."""
    state = _state(error)
    lost = error.connection_invalidated or state.startswith(_LOST)
    return bool(lost or (isinstance(error, OperationalError) and not state and not locked(error)))


def locked(error: BaseException) -> bool:
    """True if another process holds SQLite's lock: wait and try again."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
