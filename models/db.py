"""What all tables share: ids, UTC times and constraint names; and `Loader`, objects from rows of a `Statement`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from sqlalchemy import BigInteger, Connection, Index, Integer, MetaData, event, inspect, text
from sqlalchemy.orm import configure_mappers, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlmodel import Field, Session, SQLModel

from models.statement import Driver, converter

Row = TypeVar("Row")


class Loader(Generic[Row]):
    """Objects of a table from rows of a `Statement`, at a quarter of the ORM's processor time.

    A loaded object belongs to the session: changes of it are written as those of any other.
    """

    def __init__(self, table: type[Row]) -> None:
        hints, columns = get_type_hints(table), table.__table__.columns  # type: ignore[attr-defined]
        self._table, self.width = table, len(columns)
        self._names = [column.name for column in columns]
        # An integer is one in both drivers.
        found = ((name, place, converter(hints[name])) for place, name in enumerate(self._names))
        self._converted = [(name, place, how) for name, place, how in found if how not in (None, int)]
        self._key = [place for place, column in enumerate(columns) if column.primary_key]

    def columns(self, alias: str) -> str:
        """All columns, for the SELECT of a statement."""
        return ", ".join(f"{alias}.{name}" for name in self._names)

    def load(self, session: Session, values: Sequence[Any], *, fresh: bool = False) -> Row:
        """The object of these columns; where the session has it already, that one as it is.

        `fresh`: with these values, because the row was locked after the object had been read.
        """
        if isinstance(session, Look):
            return self._look_at(session, values)
        mapper = self._mapper
        key = mapper.identity_key_from_primary_key([values[place] for place in self._key])
        found: Row | None = session.identity_map.get(key)
        if found is None:
            found = self._new(values)
            make_transient_to_detached(found)
            session.add(found)
        elif fresh:
            for name, value in self._read(values).items():
                set_committed_value(found, name, value)
        return found

    @cached_property
    def _mapper(self) -> Any:
        configure_mappers()  # the ORM does this with its first query, which may never come
        return inspect(self._table)

    def _look_at(self, session: Look, values: Sequence[Any]) -> Row:
        key = (self._table, *(values[place] for place in self._key))
        if key not in session.seen:
            session.seen[key] = self._new(values)
        found: Row = session.seen[key]
        return found

    def _new(self, values: Sequence[Any]) -> Row:
        found: Row = self._mapper.class_manager.new_instance()
        vars(found).update(self._read(values))
        return found

    def _read(self, values: Sequence[Any]) -> dict[str, Any]:
        read = dict(zip(self._names, values, strict=True))
        for name, place, convert in self._converted:
            if values[place] is not None:
                read[name] = convert(values[place])
        return read


class Look:
    """A session that only reads. A `Statement` uses the driver's connection itself.

    `seen`: what a `Loader` read. These objects belong to no session, because nothing of them is written.
    """

    driver: Driver
    seen: dict[tuple[Any, ...], Any]

    @property
    def touched(self) -> bool:
        """Whether one of them was changed."""
        return any(instance_state(one).modified for one in self.seen.values())


MAX_STORED = 2**53 - 1
"""The largest amount that survives a trip through JSON (stored units)."""

# Rows are not validated, so a start builds no validator for a table: 15 ms.
SQLModel.model_config["defer_build"] = True
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


def partial_index(name: str, *columns: Any, where: str, unique: bool = False) -> Index:
    """An index of the rows where this holds, in words that both databases know."""
    index = Index(name, *columns, unique=unique)

    # Named earlier, it would load SQLAlchemy's drivers of Postgres, also for SQLite: 2 MiB.
    @event.listens_for(index, "before_create")
    def restrict(_: Index, connection: Connection, **__: Any) -> None:
        index.dialect_kwargs[f"{connection.dialect.name}_where"] = text(where)

    return index
