"""What all tables share: ids, aware UTC times, names of constraints, row locks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData
from sqlmodel import Field, Session, SQLModel

from models.sql import Statement, written

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


def lock_members(session: Session, ids: Iterable[int]) -> set[int]:
    """Let one transaction at a time change what these people have; returns those who left while one waited.

    Always in id order, so that two opposite loans cannot deadlock. On SQLite the single writer is the lock.
    """
    if is_postgres(session):
        return {one for one, left_at in _LOCK.all(session, ids=sorted(set(ids))) if left_at is not None}
    return set()


_LOCK = Statement("SELECT id, left_at FROM member WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
