"""What all tables share: ids, aware UTC times, names of constraints, row locks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData
from sqlmodel import Field, Session, SQLModel


class Statement:
    """SQL with `:names`. `postgres` is what only that database is told besides, at the end: which rows to lock.

    Times and days go in as they are; rows come as tuples, their times as `moment` reads them.
    """

    def __init__(self, sql: str, *, postgres: str = "") -> None:
        named = re.sub(r"(?<!:):(\w+)", r"%(\1)s", (sql + postgres).replace("%", "%%"))
        self._as_taken = {"sqlite": sql, "postgresql": named}

    def all(self, session: Session, **words: Any) -> list[Any]:
        found: list[Any] = self._done(session, words).fetchall()
        return found

    def first(self, session: Session, **words: Any) -> Any:
        """The first row, or None. It reads all there are, so the statement should leave one."""
        found = self.all(session, **words)
        return found[0] if found else None

    def changed(self, session: Session, **words: Any) -> int:
        """How many rows it wrote."""
        count: int = self._done(session, words).rowcount
        return count

    def _done(self, session: Session, words: dict[str, Any]) -> Any:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            words = {name: _kept(word) for name, word in words.items()}
        return connection.exec_driver_sql(self._as_taken[connection.dialect.name], words)


def moment(stored: Any) -> datetime:
    """A time of a row, in UTC."""
    at = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def written(at: datetime) -> str:
    """A time as SQLite keeps it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _kept(word: Any) -> Any:
    """A word as SQLite keeps it: it has no times and no days."""
    if isinstance(word, datetime):
        return written(word)
    return word.isoformat() if isinstance(word, date) else word


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
    """A column that points at another table's id."""
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(foreign_key=target, sa_type=BigInteger, index=index, nullable=nullable, **default)


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def stored_time(session: Session, at: datetime) -> datetime | str:
    """`at` as the driver of this database takes it in hand-written SQL."""
    return at if is_postgres(session) else written(at)
