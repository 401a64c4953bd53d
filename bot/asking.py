"""One statement, asked by the event loop itself: to wake a thread and to be woken takes longer than a small statement.

`rows` is None where a thread should ask instead, because SQLite is locked, all connections are busy, or one is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

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
    """psycopg's own connections for asyncio."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self._words, self._dialect = connect_words(url, engine.dialect), engine.dialect.name
        self._traces: Iterable[Callable[..., Any]] = engine.dispatch.before_cursor_execute
        # The one used last is warm.
        self._idle: list[Any] = []
        self._busy = 0

    async def rows(self, question: Question, within: float) -> list[Any] | None:
        from psycopg import Error  # noqa: PLC0415 - an installation on SQLite may lack it

        if self._busy >= MOST:
            return None
        self._busy += 1
        try:
            async with asyncio.timeout(within):
                return await self._asked(question)
        except TimeoutError:
            raise TooSlow from None
        except Error:
            return None
        finally:
            self._busy -= 1

    async def _asked(self, question: Question) -> list[Any]:
        from psycopg import AsyncConnection  # noqa: PLC0415

        line = self._idle.pop() if self._idle else await AsyncConnection.connect(**self._words)
        try:
            cursor, sql = line.cursor(), question.statement.sql(self._dialect)
            for listener in self._traces:
                listener(self, cursor, sql, question.words, None, False)
            await cursor.execute(sql, question.words)
            rows: list[Any] = await cursor.fetchall()
        except BaseException:
            line.pgconn.finish()  # whatever it still waits for is nobody's
            raise
        self._idle.append(line)
        return rows

    def close(self) -> None:
        for line in self._idle:
            line.pgconn.finish()
        self._idle.clear()
