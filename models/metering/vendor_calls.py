"""Calls to a vendor, counted by month and API: a free organisation has few of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlmodel import Field, Session, SQLModel, col, select

from models.statement import Statement

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


# Replicas count at the same time.
_COUNT = Statement(
    "INSERT INTO call_count (month, api, metered, calls) VALUES (:month, :api, :metered, :calls) "
    "ON CONFLICT (month, api) DO UPDATE SET calls = call_count.calls + excluded.calls"
)


def count(session: Session, now: datetime, called: Iterable[Called]) -> None:
    for one in called:
        _COUNT.changed(session, month=month_of(now), api=one.api, metered=one.metered, calls=one.calls)


def counted(session: Session, month: str) -> list[CallCount]:
    query = select(CallCount).where(CallCount.month == month)
    return list(session.exec(query.order_by(col(CallCount.calls).desc(), col(CallCount.api))).all())
