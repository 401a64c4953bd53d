"""A look at one moment of the database: the driver's own connection, and a session over it that writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

from sqlalchemy import Connection, Engine
from sqlmodel import Session

from models.db import Look
from models.statement import translated

# Begins one snapshot. On SQLite it cannot fail: a read takes its lock with its first statement.
_LOOK = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


class WouldWrite(Exception):  # noqa: N818 - a finding, not a fault
    """Raised when a read-only transaction would write; retry it as a write."""


class SecondStatement(Exception):  # noqa: N818 - a finding, not a fault
    """Raised when a look without a transaction asks more than one statement; begin anew, in one."""


class ReadingDriver:
    """A connection of the driver for one snapshot, at a fifth of the processor time of SQLAlchemy's bookkeeping.

    `single`: without a transaction, because one statement is a snapshot by itself. On Postgres that saves two of three
    round trips.
    """

    def __init__(self, engine: Engine, *, single: bool = False) -> None:
        self._engine, self.dialect = engine, engine.dialect.name
        self.traces: Iterable[Callable[..., Any]] = engine.dispatch.before_cursor_execute
        self.error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._raw: Any = None
        self._single, self._asked = single, False
        self._bound: Connection | None = None

    def __enter__(self) -> Self:
        try:
            self._taken = self._engine.raw_connection()
        except self.error as error:
            raise translated(error, self._engine, "", None, lost=True) from error
        self._raw = self._taken.dbapi_connection
        if self._single:
            return self
        try:
            self._raw.execute(_LOOK[self.dialect])
        except self.error as error:
            failure = self.translated(error, _LOOK[self.dialect], None)
            self._taken.close()
            raise failure from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._bound is not None:
            self._bound.close()
        else:
            self._taken.close()  # rolls back

    @property
    def connection(self) -> Any:
        if self._single and self._asked:
            raise SecondStatement
        self._asked = True
        return self._raw

    @property
    def bound(self) -> Connection:
        """For the ORM, in the same transaction."""
        if self._single:
            raise SecondStatement
        if self._bound is None:
            self._bound = Connection(self._engine, connection=self._taken)
            self._bound.begin()
        return self._bound

    def translated(self, error: Any, sql: str, words: Any) -> BaseException:
        lost = bool(self._engine.dialect.is_disconnect(error, self._raw, None))
        if lost:
            # After a lost connection neither this one nor the idle ones in the pool are used again.
            self._taken.invalidate(error)
            self._engine.dispose()
        return translated(error, self._engine, sql, words, lost=lost)


class OneLook(Look, Session):
    """A look at one moment, on a connection of its own that cannot write. The ORM joins when it is asked for."""

    def __init__(self, reading: ReadingDriver, *, dropping: bool = False) -> None:
        super().__init__(expire_on_commit=False)
        self.driver, self.seen = reading, {}
        self._reading, self._dropping = reading, dropping

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return self._reading.bound

    def flush(self, objects: Any = None) -> None:
        if not self._dropping and self._changed:
            raise WouldWrite

    @property
    def _changed(self) -> bool:
        return self.touched or bool(self.new or self.deleted or any(map(self.is_modified, self.dirty)))


class Answered(Look):
    """A look whose only statement was asked already; whatever else a session does begins it anew, in a transaction."""

    def __init__(self, dialect: str) -> None:
        self.driver, self.seen, self.info = _Nothing(dialect), {}, dict[Any, Any]()

    def flush(self) -> None:
        if self.touched:
            raise WouldWrite

    def __getattr__(self, name: str) -> Any:
        raise SecondStatement


class _Nothing:
    """The driver of an `Answered` look."""

    traces: Iterable[Callable[..., Any]] = ()
    error: type[Exception] = SecondStatement

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    @property
    def connection(self) -> Any:
        raise SecondStatement

    def translated(self, error: Any, *_: Any) -> BaseException:
        return error  # type: ignore[no-any-return]
