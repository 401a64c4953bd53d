"""Engines and transactions for SQLite and Postgres, behind `read` and `write`.

A transaction is a plain function on a Session, run in a thread, so it cannot wait for the network. Those that
wait together share one COMMIT (`bot/transactions.py`). Reads run beside the writers, on connections of their
own that cannot write.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from bot.asking import asking
from bot.engines import BUSY, POOL, engine_for, reading_engine_for
from bot.look import Answered, OneLook, ReadingDriver, SecondStatement
from bot.transactions import Job, OutcomeUnknown, Writers, locked
from models.refusal import TooSlow
from models.statement import Question

# Seconds after which a computing thread yields; each of a request's nine statements may wait so long.
SWITCH = 0.0005
_STATUS = "SELECT pg_xact_status(%s::xid8)"
# Threads that write on Postgres. With four, requests share more commits and each takes less than with eight, also alone:
# docs/performance.md, "Threads that write".
WRITERS = 4
# Seconds after its deadline in which a transaction ends by itself.
GRACE = 0.25
# Seconds that a command waits for the server to report the outcome of its COMMIT.
SETTLE = 30.0

T = TypeVar("T")
Work = Callable[[Session], T]


class Database:
    """`write` commits everything that a function did, or nothing; `read` runs a function that changes nothing.

    Coroutines call `write` and `read`; a plain thread, as of a command, calls `transact` and `query`.
    """

    def __init__(self, url: str, *, writers: int = WRITERS) -> None:
        sys.setswitchinterval(SWITCH)
        self.engine = engine_for(url)
        self._reading = reading_engine_for(url, self.engine)
        self.sqlite = self.engine.dialect.name == "sqlite"
        # Whether anything was submitted for writing.
        self.wrote = False
        self._writers = Writers(self.engine, 1 if self.sqlite else writers)
        self._asking = asking(make_url(url), self._reading)
        self._readers = ThreadPoolExecutor(POOL, thread_name_prefix="reader")

    async def write(self, work: Work[T], *, within: float | None = None) -> T:
        """The result of `work(session)`, committed. Raises `TooSlow`, with nothing moved, after `within` seconds.

        Raises `OutcomeUnknown` when the connection breaks at COMMIT, or the server does not answer in time.
        """
        deadline = None if within is None else time.monotonic() + within
        job = Job(work, deadline)
        future: asyncio.Future[T] = asyncio.wrap_future(self._submit(job))
        if within is None or self.sqlite:
            return await future
        await asyncio.wait([future], timeout=within + GRACE)
        if future.done():
            return future.result()
        future.cancel()
        # A COMMIT that has not begun will not begin, because the deadline has passed.
        raise OutcomeUnknown if job.committing else TooSlow

    async def read(
        self, work: Work[T], *, within: float | None = None, single: bool = False, dropping: bool = False
    ) -> T:
        """The result of `work(session)` on one snapshot; never waits for a writer.

        `single`: it asks one statement, as a rule. `dropping`: where nothing can be written, what would be is
        dropped; else raises `WouldWrite`.
        """
        deadline = None if within is None else time.monotonic() + within
        return await asyncio.wrap_future(self._readers.submit(self._read, work, deadline, single, dropping))

    async def look(self, question: Question, work: Work[T], *, within: float, single: bool = True) -> T:
        """`read` for work that begins with this question. `single`: it asks nothing else, as a rule; then no thread is woken."""
        rows = await self._asking.rows(question, within) if single else None
        if rows is not None:
            session: Any = Answered(self.engine.dialect.name)
            with contextlib.suppress(SecondStatement):
                question.keep(session, rows)
                result = work(session)
                session.flush()
                return result
        return await self.read(question.before(work), within=within, single=single and rows is None)

    def transact(self, work: Work[T]) -> T:
        """`write` for a plain thread.

        If the connection breaks at COMMIT, waits for the server to report the outcome.
        """
        job = Job(work, named=True)
        try:
            self._submit(job).result()
        except OutcomeUnknown as unknown:
            if not self._committed(job, unknown):
                raise unknown.__cause__ or unknown from None
        result: T = job.result
        return result

    def query(self, work: Work[T]) -> T:
        return self._read(work, None)

    def submit(self, work: Work[T], deadline: float | None) -> Future[T]:
        """`write` as a future; `deadline` is a time of `time.monotonic`."""
        return self._submit(Job(work, deadline))

    def _submit(self, job: Job) -> Future[Any]:
        self.wrote = True
        self._writers.submit(job)
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
        self._writers.close()
        self._readers.shutdown(wait=True)
        self._asking.close()
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

    def _committed(self, job: Job, unknown: OutcomeUnknown) -> bool:
        """Ask the server for the outcome, also while it is away at first.

        Raises `OutcomeUnknown` if it cannot tell.
        """
        until = time.monotonic() + SETTLE
        while job.xid is not None and time.monotonic() < until:
            try:
                with self.engine.connect() as connection:
                    status = connection.exec_driver_sql(_STATUS, (job.xid,)).scalar_one()
            except DBAPIError:
                status = None
            if status in ("committed", "aborted"):
                return bool(status == "committed")
            time.sleep(0.2)
        raise unknown


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TooSlow
