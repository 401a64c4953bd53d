"""`Statement`: SQL on the driver's own cursor. Nothing here loads SQLAlchemy, so that a command may read without it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, get_type_hints, overload

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Row = TypeVar("Row")
Key = TypeVar("Key", int, str)
MOST_VALUES = 500
"""Values in one statement: SQLite has a limit."""
Reading = Any
"""A session, or anything with a `driver`."""


class Statement(Generic[Row]):
    """SQL that runs on the driver's own cursor, at about a sixth of the processor time of SQLAlchemy's `text()`.

    `:name` is a parameter. The SQL is Postgres'; for SQLite, LEAST, json_agg and such are renamed. A line that ends in
    `-- postgres` or `-- sqlite` is for that database alone.

    `row` is the type of a row: a NamedTuple or dataclass, whose fields are the columns in order, or the type of a
    single column.
    Values are converted to that type, because drivers differ: SQLite returns times and JSON as text, Postgres sums
    as `Decimal`. Without `row` a row is the driver's tuple.
    """

    @overload
    def __init__(self: Statement[Any], sql: str) -> None: ...
    @overload
    def __init__(self, sql: str, *, row: type[Row]) -> None: ...
    def __init__(self, sql: str, *, row: Any = None) -> None:
        self._sql = {"sqlite": _for_sqlite(sql), "postgresql": _for_postgres(sql)}
        self._read = row_reader(row) if row else None

    def all(self, session: Reading, **words: Any) -> list[Row]:
        rows: list[Any] = self._execute(session, words, lambda cursor: cursor.fetchall())
        return rows if self._read is None else [self._read(row) for row in rows]

    def first(self, session: Reading, **words: Any) -> Row | None:
        """The statement should leave at most one row: all rows are read."""
        rows = self.all(session, **words)
        return rows[0] if rows else None

    def one(self, session: Reading, **words: Any) -> Row:
        """For a statement that always has a row, such as a sum."""
        return self.all(session, **words)[0]

    def changed(self, session: Reading, **words: Any) -> int:
        count: int = self._execute(session, words, lambda cursor: cursor.rowcount)
        return count

    def sql(self, dialect: str) -> str:
        return self._sql[dialect]

    def _execute(self, session: Reading, words: dict[str, Any], take: Callable[[Any], Any]) -> Any:
        driver = _driver(session)
        if driver.dialect == "sqlite":
            words = {name: _for_storage(word) for name, word in words.items()}

        def run(cursor: Any, sql: str) -> Any:
            cursor.execute(sql, words)
            return take(cursor)

        return _run(driver, self._sql[driver.dialect], words, run)


def fill(session: Reading, table: str, rows: Sequence[Sequence[int | str]]) -> None:
    """Add rows to a table, with a value for each column: by COPY, and on SQLite by one INSERT that is prepared once."""
    driver = _driver(session)

    def copy(cursor: Any, sql: str) -> None:
        with cursor.copy(sql) as into:
            for row in rows:
                into.write_row(row)

    def insert(cursor: Any, sql: str) -> None:
        cursor.executemany(sql, rows)

    if driver.dialect == "sqlite":
        places = ", ".join("?" * len(rows[0]))
        _run(driver, f"INSERT INTO {table} VALUES ({places})", (), insert)  # noqa: S608 - a table of ours
    else:
        _run(driver, f"COPY {table} FROM STDIN", (), copy)


def _driver(session: Reading) -> Driver:
    return getattr(session, "driver", None) or _SqlAlchemy(session)


def _run(driver: Driver, sql: str, words: Any, act: Callable[[Any, str], Any]) -> Any:
    try:
        cursor = driver.connection.cursor()
        try:
            for listener in driver.traces:
                # A trace and the tests' counters see every statement, as with SQLAlchemy's own calls.
                listener(driver, cursor, sql, words, None, False)
            return act(cursor, sql)
        finally:
            cursor.close()
    except driver.error as error:
        raise driver.translated(error, sql, words) from error


class Question(NamedTuple):
    """A statement and what is kept of its rows for the transaction.

    Without a `row` it may be asked before the transaction: a look whose only statement it is has none.
    """

    statement: Statement[Any]
    words: dict[str, Any]
    keep: Callable[[Any, list[Any]], None]

    def ask(self, session: Any) -> None:
        session.flush()
        self.keep(session, self.statement.all(session, **self.words))

    def before(self, work: Callable[[Any], Row]) -> Callable[[Any], Row]:
        def asked(session: Any) -> Row:
            self.ask(session)
            return work(session)

        return asked


class Driver(Protocol):
    """A driver's connection in a transaction. `error`: the base class of what it raises."""

    @property
    def dialect(self) -> str: ...
    @property
    def connection(self) -> Any: ...
    @property
    def traces(self) -> Iterable[Callable[..., Any]]: ...
    @property
    def error(self) -> type[Exception]: ...
    def translated(self, error: Any, sql: str, words: Any) -> BaseException: ...


class _SqlAlchemy:
    """The driver below a session of SQLAlchemy."""

    def __init__(self, session: Any) -> None:
        bound = session.get_bind()
        # The session's bookkeeping takes longer than the statement. Within a transaction there is none to begin.
        begun = hasattr(bound, "in_transaction") and bound.in_transaction()
        self._bound: Connection = bound if begun else session.connection()
        self.dialect = self._bound.dialect.name
        self.connection = self._bound.connection
        self.traces: Iterable[Callable[..., Any]] = self._bound.dispatch.before_cursor_execute
        self.error: type[Exception] = self._bound.dialect.loaded_dbapi.Error

    def translated(self, error: Any, sql: str, words: Any) -> BaseException:
        bound, lost = self._bound, False
        if not bound.invalidated and bound.dialect.is_disconnect(error, bound.connection, None):
            # After a lost connection neither this one nor the idle ones in the pool are used again.
            lost = True
            bound.invalidate(error)
            bound.engine.dispose()
        return translated(error, bound.engine, sql, words, lost=lost)


def translated(error: Any, engine: Engine, sql: str, words: Any, *, lost: bool) -> BaseException:
    """What SQLAlchemy's own cursor calls would raise, so that `Database` sees one kind of error."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - loaded only to name a failure

    dialect, hide = engine.dialect, engine.hide_parameters
    raised: BaseException = DBAPIError.instance(
        sql, words, error, dialect.loaded_dbapi.Error, hide, connection_invalidated=lost, dialect=dialect
    )
    return raised


class SqlFile:
    """The SQL in a file of a package. `-- name: …` begins a statement; `{other}` inserts another one."""

    def __init__(self, package: str, path: str) -> None:
        content = resources.files(package).joinpath(path).read_text("utf-8")
        parts = re.split(r"^-- name: (\w+)$", content, flags=re.MULTILINE)[1:]
        self._named = {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}

    @property
    def names(self) -> list[str]:
        return list(self._named)

    def text(self, name: str, **parts: str) -> str:
        """The SQL called `name`; `parts` are the fragments that the file leaves open, such as `{people}`."""
        return _PART.sub(lambda part: self._part(part[1], parts), self._named[name])

    def _part(self, name: str, parts: dict[str, str]) -> str:
        # The line break ends a fragment whose last line holds for one database only.
        return (parts.get(name) or self.text(name, **parts)) + "\n"


_PART = re.compile(r"\{(\w+)\}")
_ONLY = re.compile(r"^.*-- (sqlite|postgres)$\n?", re.MULTILINE)
_COMMENT = re.compile(r"\s*--.*$", re.MULTILINE)


def _only(database: str, sql: str) -> str:
    # Comments go, too: a colon in one would be read as a parameter.
    return _COMMENT.sub("", _ONLY.sub(lambda line: line[0] if line[1] == database else "", sql))


_SQLITE_NAMES = {
    "LEAST(": "MIN(",
    "GREATEST(": "MAX(",
    "json_agg(": "json_group_array(",
    "json_build_array(": "json_array(",
    "TIMESTAMPTZ": "TEXT",
}


def _for_sqlite(sql: str) -> str:
    # SQLite has MIN and MAX of two values, and keeps times as text.
    for theirs, ours in _SQLITE_NAMES.items():
        sql = sql.replace(theirs, ours)
    return _only("sqlite", sql)


def _for_postgres(sql: str) -> str:
    # psycopg writes `:name` as `%(name)s`; `::type` is a cast. Up to 4,096 characters it keeps what it has parsed.
    shorter = re.sub(r"\n\s*", "\n", _only("postgres", sql)).strip()
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", shorter.replace("%", "%%"))


def parts(values: Iterable[Key]) -> Iterator[list[Key]]:
    """Each value once, in order, as many at a time as one statement takes."""
    wanted = sorted(set(values))
    return (wanted[start : start + MOST_VALUES] for start in range(0, len(wanted), MOST_VALUES))


def moment(stored: Any) -> datetime:
    at = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    int: int,
    bool: bool,
    datetime: moment,
    date: lambda stored: date.fromisoformat(stored) if isinstance(stored, str) else stored,
    dict: lambda stored: json.loads(stored) if isinstance(stored, str) else stored,
    # Most lists of a member are empty.
    list: lambda stored: (
        ([] if stored == "[]" else json.loads(stored)) if isinstance(stored, str) else stored
    ),
}


def as_list(value: Any) -> list[Any]:
    """A JSON array of a row; SQLite returns it as text, and Postgres NULL for an empty one."""
    return (json.loads(value) if isinstance(value, str) else value) or []


def row_reader(row: Any) -> Callable[[tuple[Any, ...]], Any]:
    names = [one.name for one in fields(row)] if is_dataclass(row) else getattr(row, "_fields", ())
    if not names:
        convert = _CONVERTERS.get(row, row)
        return lambda found: found[0] if found[0] is None else convert(found[0])
    hints = get_type_hints(row)
    converters = [converter(hints[name]) for name in names]
    return lambda found: row(
        *[
            value if value is None or convert is None else convert(value)
            for convert, value in zip(converters, found, strict=False)
        ]
    )


def converter(hint: Any) -> Callable[[Any], Any] | None:
    # `X | None` and `dict[…]` are converted as X and dict.
    some = [one for one in getattr(hint, "__args__", ()) if one is not type(None)]
    kind = getattr(hint, "__origin__", None) or (some[0] if len(some) == 1 else hint)
    return _CONVERTERS.get(getattr(kind, "__origin__", None) or kind)


def _for_storage(word: Any) -> Any:
    # SQLite has no type for times and days.
    if isinstance(word, datetime):
        return written(word)
    return word.isoformat() if isinstance(word, date) else word


def written(at: datetime) -> str:
    # strftime takes ten times as long.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def stored_time(session: Reading, at: datetime) -> datetime | str:
    """`at` as a parameter of SQL that is not a `Statement`."""
    return at if is_postgres(session) else written(at)


def is_postgres(session: Reading) -> bool:
    driver = getattr(session, "driver", None)
    name = driver.dialect if driver is not None else session.get_bind().dialect.name
    return bool(name == "postgresql")
