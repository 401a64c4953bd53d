"""One statement, asked by the event loop itself: to wake a thread and to be woken takes longer than a small statement.

`rows` is None where a thread should ask instead, because SQLite is locked, all connections are busy, or one is broken.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, Self

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from bot.engines import connect_words
from models.refusal import TooSlow
from models.statement import Question, translated

# Connections to Postgres. A statement takes half a millisecond, and a thread asks while all of them are busy.
MOST = 4


class Asking(Protocol):
    async def rows(self, question: Question, within: float) -> list[Any] | None:
        """Raises `TooSlow` after `within` seconds."""
        ...

    def close(self) -> None: ...


def asking(url: URL, reading: Engine) -> Asking:
    return AskingSqlite(reading) if reading.dialect.name == "sqlite" else AskingPostgres(url, reading)


class AskingSqlite:
    """A `Driver` on a connection of its own, which waits for no lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.dialect = engine, "sqlite"
        self.traces: Iterable[Callable[..., Any]] = engine.dispatch.before_cursor_execute
        self.error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._raw: Any = None

    async def rows(self, question: Question, within: float) -> list[Any] | None:
        try:
            return question.statement.all(self, **question.words)
        except DBAPIError:
            self.close()
            return None

    @property
    def driver(self) -> AskingSqlite:
        return self

    @property
    def connection(self) -> Any:
        if self._raw is None:
            taken = self._engine.raw_connection()
            taken.detach()
            self._raw = taken.dbapi_connection
            self._raw.execute("PRAGMA busy_timeout=0")
        return self._raw

    def translated(self, error: Any, sql: str, words: Any) -> BaseException:
        return translated(error, self._engine, sql, words, lost=False)

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None


class AskingPostgres:
    """libpq as psycopg wraps it: its cursors take 90 µs of a processor where the statement takes 40."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self._words, self._dialect = connect_words(url, engine.dialect), engine.dialect.name
        self._traces: Iterable[Callable[..., Any]] = engine.dispatch.before_cursor_execute
        # The one used last is warm.
        self._idle: list[_Line] = []
        self._busy = 0

    async def rows(self, question: Question, within: float) -> list[Any] | None:
        from psycopg import Error  # noqa: PLC0415 - an installation on SQLite may lack it

        # Behind PgBouncer another server answers the next time, and has nothing prepared.
        prepares = "prepare_threshold" not in self._words
        if self._busy >= MOST or not prepares:
            return None
        self._busy += 1
        try:
            return await self._asked(question, asyncio.get_running_loop().time() + within)
        except TimeoutError:
            raise TooSlow from None
        except (Error, _Failed):
            return None
        finally:
            self._busy -= 1

    async def _asked(self, question: Question, until: float) -> list[Any]:
        line = self._idle.pop() if self._idle else await _Line.opened(self._words, until)
        sql = question.statement.sql(self._dialect)
        for listener in self._traces:
            listener(self, line, sql, question.words, None, False)
        try:
            rows = await line.rows(sql, question.words, until)
        except BaseException:
            line.close()  # whatever it still waits for is nobody's
            raise
        self._idle.append(line)
        return rows

    def close(self) -> None:
        for line in self._idle:
            line.close()
        self._idle.clear()


class _Failed(Exception):  # noqa: N818 - a thread asks again, and says what it was
    pass


class _Prepared(NamedTuple):
    """Its name on the connection, its parameters in their order, and how each column is read."""

    name: bytes
    words: list[str]
    reads: list[Callable[[bytes], Any]]


class _Line:
    """A connection, and the statements that are prepared on it, by their SQL."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._pgconn = connection, connection.pgconn
        self._prepared: dict[str, _Prepared] = {}

    @classmethod
    async def opened(cls, words: dict[str, Any], until: float) -> Self:
        from psycopg import AsyncConnection  # noqa: PLC0415

        async with asyncio.timeout_at(until):
            line = cls(await AsyncConnection.connect(**words))
            try:
                await line._connection.execute("SET datestyle = 'ISO'; SET client_encoding = 'UTF8'")
            except BaseException:
                line.close()
                raise
        line._pgconn.nonblocking = 1
        return line

    async def rows(self, sql: str, words: dict[str, Any], until: float) -> list[Any]:
        known = self._prepared.get(sql) or await self._prepare(sql, until)
        self._pgconn.send_query_prepared(known.name, [_sent(words[one]) for one in known.words])
        found, columns = await self._result(until), list(enumerate(known.reads))
        return [
            [
                None if (value := found.get_value(row, column)) is None else read(value)
                for column, read in columns
            ]
            for row in range(found.ntuples)
        ]

    async def _prepare(self, sql: str, until: float) -> _Prepared:
        order, name = list(dict.fromkeys(_NAMED.findall(sql))), b"look%d" % len(self._prepared)
        numbered = _NAMED.sub(lambda found: f"${order.index(found[1]) + 1}", sql).replace("%%", "%")
        self._pgconn.send_prepare(name, numbered.encode())
        await self._result(until)
        self._pgconn.send_describe_prepared(name)
        found = await self._result(until)
        reads = [_READS.get(found.ftype(column), bytes.decode) for column in range(found.nfields)]
        self._prepared[sql] = _Prepared(name, order, reads)
        return self._prepared[sql]

    async def _result(self, until: float) -> Any:
        """Raises `TimeoutError`."""
        from psycopg.pq import ExecStatus  # noqa: PLC0415

        pgconn, result = self._pgconn, None
        if pgconn.flush():  # longer than what the socket takes at once
            raise _Failed
        while pgconn.is_busy():
            await _readable(pgconn.socket, until)
            pgconn.consume_input()
        while (found := pgconn.get_result()) is not None:
            result = found
        if result is None or result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise _Failed
        return result

    def close(self) -> None:
        self._pgconn.finish()


async def _readable(socket: int, until: float) -> None:
    """Raises `TimeoutError`."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake(failure: Exception | None = None) -> None:
        if not ready.done():
            ready.set_exception(failure) if failure else ready.set_result(None)

    late = loop.call_at(until, wake, TimeoutError())
    loop.add_reader(socket, wake)
    try:
        await ready
    finally:
        loop.remove_reader(socket)
        late.cancel()


# psycopg's parameters in SQL.
_NAMED = re.compile(r"%\((\w+)\)s")
# Integers, sums and booleans by the number of their type (pg_type.dat); times and JSON stay text, as SQLite returns them.
_READS: dict[int, Callable[[bytes], Any]] = {
    20: int, 21: int, 23: int, 1700: int, 16: lambda value: value == b"t",
}  # fmt: skip


def _sent(word: Any) -> bytes | None:
    if word is None:
        return None
    written = str(word).encode()
    if b"\0" in written:  # libpq would send what stands before it
        raise _Failed
    return written
