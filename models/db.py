"""What all tables share: ids, UTC times and constraint names; and `Statement`, SQL on the driver's own cursor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any, Generic, TypeVar, cast, get_type_hints, overload

from sqlalchemy import BigInteger, Connection, Integer, MetaData, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Field, Session, SQLModel

Row = TypeVar("Row")


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

    def all(self, session: Session, **words: Any) -> list[Row]:
        rows: list[Any] = self._execute(session, words, lambda cursor: cursor.fetchall())
        return rows if self._read is None else [self._read(row) for row in rows]

    def first(self, session: Session, **words: Any) -> Row | None:
        """The statement should leave at most one row: all rows are read."""
        rows = self.all(session, **words)
        return rows[0] if rows else None

    def one(self, session: Session, **words: Any) -> Row:
        """For a statement that always has a row, such as a sum."""
        return self.all(session, **words)[0]

    def changed(self, session: Session, **words: Any) -> int:
        count: int = self._execute(session, words, lambda cursor: cursor.rowcount)
        return count

    def _execute(self, session: Session, words: dict[str, Any], take: Callable[[Any], Any]) -> Any:
        bound = session.get_bind()
        # The session's bookkeeping takes longer than the statement. Within a transaction there is none to begin.
        begun = isinstance(bound, Connection) and bound.in_transaction()
        connection = cast("Connection", bound) if begun else session.connection()
        driver = connection.dialect.loaded_dbapi
        sql = self._sql[connection.dialect.name]
        if connection.dialect.name == "sqlite":
            words = {name: _for_storage(word) for name, word in words.items()}
        raw = connection.connection
        try:
            cursor = raw.cursor()
            try:
                # as SQLAlchemy's own calls do: a trace sees every statement
                for listener in connection.dispatch.before_cursor_execute:
                    # A trace and the tests' counters see every statement.
                    listener(connection, cursor, sql, words, None, False)
                cursor.execute(sql, words)
                return take(cursor)
            finally:
                cursor.close()
        except driver.Error as error:
            raise _translated(error, connection, sql, words) from error


def _translated(error: Any, connection: Connection, sql: str, words: dict[str, Any]) -> BaseException:
    # Raise what SQLAlchemy's own cursor calls would raise, so that `Database` sees one kind of error.
    dialect, lost = connection.dialect, False
    if not connection.invalidated and dialect.is_disconnect(error, connection.connection, None):
        # After a lost connection neither this one nor the idle ones in the pool are used again.
        lost = True
        connection.invalidate(error)
        connection.engine.dispose()
    hide = connection.engine.hide_parameters
    translated: BaseException = DBAPIError.instance(
        sql, words, error, dialect.loaded_dbapi.Error, hide, connection_invalidated=lost, dialect=dialect
    )
    return translated


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
    # psycopg writes `:name` as `%(name)s`; `::type` is a cast.
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", _only("postgres", sql).replace("%", "%%"))


def moment(stored: Any) -> datetime:
    at = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    int: int,
    bool: bool,
    datetime: moment,
    date: lambda stored: date.fromisoformat(stored) if isinstance(stored, str) else stored,
    dict: lambda stored: json.loads(stored) if isinstance(stored, str) else stored,
    list: lambda stored: json.loads(stored) if isinstance(stored, str) else stored,
}


class Loader(Generic[Row]):
    """Objects of a table from rows of a `Statement`, at a quarter of the ORM's processor time.

    A loaded object belongs to the session: changes of it are written as those of any other.
    """

    def __init__(self, table: type[Row]) -> None:
        hints, columns = get_type_hints(table), table.__table__.columns  # type: ignore[attr-defined]
        self._table, self.width = table, len(columns)
        self._names = [column.name for column in columns]
        self._converters = [_converter(hints[name]) for name in self._names]
        self._key = [place for place, column in enumerate(columns) if column.primary_key]

    def columns(self, alias: str) -> str:
        """All columns, for the SELECT of a statement."""
        return ", ".join(f"{alias}.{name}" for name in self._names)

    def load(self, session: Session, values: Sequence[Any], *, fresh: bool = False) -> Row:
        """The object of these columns; where the session has it already, that one as it is.

        `fresh`: with these values, because the row was locked after the object had been read.
        """
        mapper: Any = inspect(self._table)
        if not mapper.configured:  # the ORM does this with its first query, which may never come
            configure_mappers()
        key = mapper.identity_key_from_primary_key([values[place] for place in self._key])
        found: Row | None = session.identity_map.get(key)
        if found is None:
            found = mapper.class_manager.new_instance()
            vars(found).update(zip(self._names, map(_converted, self._converters, values), strict=True))
            make_transient_to_detached(found)
            session.add(found)
        elif fresh:
            for name, convert, value in zip(self._names, self._converters, values, strict=True):
                set_committed_value(found, name, _converted(convert, value))
        return found


def _converted(convert: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if value is None or convert is None else convert(value)


def row_reader(row: Any) -> Callable[[tuple[Any, ...]], Any]:
    names = [one.name for one in fields(row)] if is_dataclass(row) else getattr(row, "_fields", ())
    if not names:
        convert = _CONVERTERS.get(row, row)
        return lambda found: found[0] if found[0] is None else convert(found[0])
    hints = get_type_hints(row)
    converters = [_converter(hints[name]) for name in names]
    return lambda found: row(*map(_converted, converters, found))


def _converter(hint: Any) -> Callable[[Any], Any] | None:
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
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def stored_time(session: Session, at: datetime) -> datetime | str:
    """`at` as a parameter of SQL that is not a `Statement`."""
    return at if is_postgres(session) else written(at)


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


MAX_STORED = 2**53 - 1
"""The largest amount that survives a trip through JSON (stored units)."""

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER


def metadata() -> MetaData:
    return SQLModel.metadata


def id_field() -> Any:
    return Field(default=None, primary_key=True, sa_type=Id)


def ref(target: str, *, index: bool = False, nullable: bool = False) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(foreign_key=target, sa_type=BigInteger, index=index, nullable=nullable, **default)
