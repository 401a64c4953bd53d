"""One statement, asked by the event loop itself: to wake a thread and to be woken takes longer than a small statement.

`rows` is None where a thread should ask instead, because SQLite is locked, all connections are busy, or one is broken.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

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

        prepares = (
            "prepare_threshold" not in self._words
        )  # behind PgBouncer another server answers the next time
        if self._busy >= MOST or not prepares:
            return None
        self._busy += 1
        try:
            async with asyncio.timeout(within):
                return await self._asked(question)
        except TimeoutError:
            raise TooSlow from None
        except (Error, _Failed):
            return None
        finally:
            self._busy -= 1

    async def _asked(self, question: Question) -> list[Any]:
        line = self._idle.pop() if self._idle else await _Line.opened(self._words)
        sql = question.statement.sql(self._dialect)
        for listener in self._traces:
            listener(self, line, sql, question.words, None, False)
        try:
            rows = await line.rows(sql, question.words)
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


class _Line:
    """A connection, and the statements that are prepared on it: by their SQL, a name and the order of their words."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._pgconn = connection, connection.pgconn
        self._prepared: dict[str, tuple[bytes, list[str]]] = {}

    @classmethod
    async def opened(cls, words: dict[str, Any]) -> Self:
        from psycopg import AsyncConnection  # noqa: PLC0415

        line = cls(await AsyncConnection.connect(**words))
        try:
            await line._connection.execute("SET datestyle = 'ISO'; SET client_encoding = 'UTF8'")
        except BaseException:
            line.close()
            raise
        line._pgconn.nonblocking = 1
        return line

    async def rows(self, sql: str, words: dict[str, Any]) -> list[Any]:
        if sql not in self._prepared:
            await self._prepare(sql)
        name, order = self._prepared[sql]
        self._pgconn.send_query_prepared(name, [_sent(words[one]) for one in order])
        result = await self._result()
        columns = range(result.nfields)
        reads = [_READS.get(result.ftype(column), bytes.decode) for column in columns]
        found = ([result.get_value(row, column) for column in columns] for row in range(result.ntuples))
        return [
            [None if value is None else read(value) for read, value in zip(reads, row, strict=True)]
            for row in found
        ]

    async def _prepare(self, sql: str) -> None:
        order, name = list(dict.fromkeys(_NAMED.findall(sql))), b"look%d" % len(self._prepared)
        numbered = _NAMED.sub(lambda found: f"${order.index(found[1]) + 1}", sql).replace("%%", "%")
        self._pgconn.send_prepare(name, numbered.encode())
        await self._result()
        self._prepared[sql] = name, order

    async def _result(self) -> Any:
        from psycopg.pq import ExecStatus  # noqa: PLC0415

        loop, pgconn, result = asyncio.get_running_loop(), self._pgconn, None
        if pgconn.flush():  # longer than what the socket takes at once
            raise _Failed
        readable, socket = asyncio.Event(), pgconn.socket
        loop.add_reader(socket, readable.set)
        try:
            while pgconn.is_busy():
                readable.clear()
                await readable.wait()
                pgconn.consume_input()
        finally:
            loop.remove_reader(socket)
        while (found := pgconn.get_result()) is not None:
            result = found
        if result is None or result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise _Failed
        return result

    def close(self) -> None:
        self._pgconn.finish()


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
