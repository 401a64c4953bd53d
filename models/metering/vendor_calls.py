"""Calls to a vendor, counted by month and API: a free organisation has few of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from models.statement import is_postgres

MONTHS_IN = timezone(timedelta(hours=8))
"""Where a month begins and ends. The one quota that is counted is by calendar months in China."""


class CallCount(SQLModel, table=True):
    """Calls that went out, with repetitions. `metered`: they count against the month's quota."""

    __tablename__ = "call_count"

    month: str = Field(primary_key=True)
    api: str = Field(primary_key=True)
    metered: bool
    calls: int


@dataclass(frozen=True)
class Called:
    api: str
    metered: bool
    calls: int


def month_of(now: datetime) -> str:
    """`2026-11`."""
    return f"{now.astimezone(MONTHS_IN):%Y-%m}"


def count(session: Session, now: datetime, called: Iterable[Called]) -> None:
    # An upsert: replicas count at the same time.
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    for one in called:
        row = insert(CallCount).values(month=month_of(now), api=one.api, metered=one.metered, calls=one.calls)
        more = {"calls": col(CallCount.calls) + row.excluded.calls}
        session.execute(row.on_conflict_do_update(index_elements=["month", "api"], set_=more))


def counted(session: Session, month: str) -> list[CallCount]:
    query = select(CallCount).where(CallCount.month == month)
    return list(session.exec(query.order_by(col(CallCount.calls).desc(), col(CallCount.api))).all())
