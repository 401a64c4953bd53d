"""One process of the bot, which may die at every await, before and after every COMMIT, and in every call to a vendor."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from bot.database import Database, Work
from bot.transactions import Job, Writers
from models.statement import Question

T = TypeVar("T")


class Killed(BaseException):
    """The process died here: nothing after it happens."""


class Fate:
    """The life of a process. `die_in`: it dies at so many points from now, 0: it lives."""

    def __init__(self, died: Callable[[str], None]) -> None:
        self.alive, self.die_in, self.end = True, 0, asyncio.Event()
        # Only commits and calls count, not awaits.
        self.narrow = False
        self._died = died
        # Coroutines of the dead; kept, because a collected one would run its `finally`.
        self.graves: list[Coroutine[Any, Any, Any]] = []

    def point(self, where: str) -> None:
        """A place where the process may die. Raises `Killed` there, and at every later point."""
        if self.alive and self.die_in and not (self.narrow and where.startswith("await")):
            self.die_in -= 1
            if not self.die_in:
                self.alive = False
                self.end.set()
                self._died(where)
        if not self.alive:
            raise Killed

    def spawn(self, doing: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Do it in this process, with all tasks that it begins."""
        context = copy_context()
        context.run(FATE.set, self)
        doing.__qualname__ = name
        return asyncio.get_running_loop().create_task(doing, name=name, context=context)

    def bury(self) -> None:
        for one in self.graves:
            with contextlib.suppress(BaseException):
                one.close()


FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)


def point(where: str) -> None:
    """A place where the process of the running task may die."""
    fate = FATE.get()
    if fate is not None:
        fate.point(where)


class _Mortal(Coroutine[Any, Any, Any]):
    """A task's coroutine that is not resumed once its process is dead."""

    def __init__(self, fate: Fate, body: Coroutine[Any, Any, Any]) -> None:
        self._fate, self._body = fate, body
        self.__name__ = self.__qualname__ = getattr(body, "__qualname__", type(body).__name__)

    def send(self, value: Any) -> Any:
        return self._go(partial(self._body.send, value))

    def throw(self, *error: Any) -> Any:
        return self._go(partial(self._body.throw, *error))

    def _go(self, on: Callable[[], Any]) -> Any:
        try:
            self._fate.point(f"await in {self.__qualname__}")
            return on()
        except Killed:
            self._fate.graves.append(self._body)
            raise asyncio.CancelledError from None

    def close(self) -> None:
        self._body.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._body.__await__()


def mortal(loop: asyncio.AbstractEventLoop, body: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """A task factory: tasks of a process die with it."""
    fate = FATE.get() if context is None else context.get(FATE)
    task = asyncio.Task(body if fate is None else _Mortal(fate, body), loop=loop, context=context)
    if fate is not None:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    return task


class Books:
    """The engines of all processes and seeds: statements are compiled once. `looks`: reads before each COMMIT.

    `cuts`: whether the connection breaks at a COMMIT (Postgres): "before" or "after" the server has done it, or "".
    """

    def __init__(self, url: str) -> None:
        self.real = Database(url)
        self.doing = self._cut = ""
        self.looks: Callable[[Connection], None] = lambda _: None
        self.cuts: Callable[[], str] = str
        engine = self.real.engine
        event.listen(engine, "commit", self._before_commit)
        if self.real.sqlite:
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        else:
            self._commit, dialect = engine.dialect.do_commit, cast("Any", engine.dialect)
            dialect.do_commit = self._do_commit

    def _before_commit(self, connection: Connection) -> None:
        point(f"before COMMIT of {self.doing}")
        self._cut = "" if self.real.sqlite or FATE.get() is None else self.cuts()
        if self._cut == "before":
            raise OperationalError("COMMIT", None, psycopg.OperationalError(), connection_invalidated=True)
        self.looks(connection)

    def _do_commit(self, connection: Any) -> None:
        self._commit(connection)
        if self._cut:
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("the connection is lost")


class SimulatedWriters(Writers):
    """Transactions in the loop, one after the other. Those that were asked for in the same turn may share one."""

    def __init__(self, books: Books) -> None:
        super().__init__(books.real.engine, 0)
        self._books, self._comes = books, False

    def submit(self, job: Job) -> None:
        fate = FATE.get()
        if fate is not None and not fate.alive:
            raise Killed
        job.alone = not self._sqlite and job.deadline is None
        self._jobs.put(job)
        if not self._comes:
            asyncio.get_running_loop().call_soon(self.work)
            self._comes = True

    def work(self) -> None:
        self._comes = False
        begins: deque[Job] = deque()
        while begins or not self._jobs.empty():
            begins.extend(self._transaction(begins.popleft() if begins else self._jobs.get_nowait()))

    def _transaction(self, first: Job) -> list[Job]:
        self._books.doing = _name(first.work)
        begins = super()._transaction(first)
        with contextlib.suppress(Killed):
            point(f"after COMMIT of {self._books.doing}")
        return begins


class SimulatedDatabase(Database):
    """Transactions run in the loop, in an order that the seed chooses."""

    def __init__(self, books: Books, turns: Callable[[], int] = lambda: 0) -> None:
        """`turns`: how many turns of the loop a transaction waits."""
        real = books.real
        self.engine, self._reading, self.sqlite, self.wrote = real.engine, real._reading, real.sqlite, False
        self._writers, self._turns = SimulatedWriters(books), turns

    async def write(self, work: Work[T], *, within: float | None = None) -> T:
        await self._turn()
        return await super().write(work, within=within)

    async def read(
        self, work: Work[T], *, within: float | None = None, single: bool = False, dropping: bool = False
    ) -> T:
        await self._turn()
        return self._read(work, None, single, dropping)

    async def look(self, question: Question, work: Work[T], *, within: float, single: bool = True) -> T:
        return await self.read(question.before(work), within=within, single=single)

    async def _turn(self) -> None:
        for _ in range(1 + self._turns()):
            await asyncio.sleep(0)

    def transact(self, work: Work[T]) -> T:
        """At once."""
        job = Job(work)
        self._writers.submit(job)
        self._writers.work()  # type: ignore[attr-defined]
        result: T = job.future.result(timeout=0)
        return result

    def close(self) -> None:
        """The engines stay for the next seed."""


def _name(work: Any) -> str:
    """The function that a transaction runs; of a job of the clock, the job."""
    if isinstance(work, partial):
        job = work.keywords.get("job")
        return _name(work.func if job is None else job.run)
    return str(work.__qualname__).split(".<locals>")[0]
