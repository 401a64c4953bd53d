"""Figures of the whole organisation. Where counting takes long they are counted by the clock and kept, and say of when they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter
from sqlmodel import Field, Session, SQLModel, col, func, select

from models.people.member import Member
from models.policy.document import Policy
from models.quota.period import Period, PeriodState
from models.reports.spending import Day, Line, ModelUse, by_day, by_model, by_team
from models.reports.year import Year, year
from models.statement import is_postgres

# People up to whom everything is counted when somebody looks: a second and a half at most.
COUNTED_AT_ONCE = 5_000
# A kept figure is counted again after the one, and believed until the other.
AGAIN, BELIEVED = timedelta(minutes=50), timedelta(hours=3)
# Late usage of a period's last days changes its days and models.
SETTLED = timedelta(days=3)
# Periods that the pages offer.
PERIODS = 13


class KeptFigures(SQLModel, table=True):
    """One counted report as JSON. `at`: the moment that it shows."""

    __tablename__ = "kept_figures"

    name: str = Field(primary_key=True)
    at: datetime
    text: str


@dataclass(frozen=True)
class Counted:
    """A report to be kept."""

    name: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Spending:
    """A period: teams with their models, days, models with their tokens."""

    at: datetime
    lines: tuple[Line, ...]
    days: tuple[Day, ...]
    models: tuple[ModelUse, ...]


@dataclass(frozen=True)
class YearAt:
    at: datetime
    year: Year


class Dated(Protocol):
    @property
    def at(self) -> datetime: ...


T = TypeVar("T", bound=Dated)
_SPENDING, _YEAR = TypeAdapter(Spending), TypeAdapter(YearAt)


def spending(session: Session, policy: Policy, period: Period, now: datetime) -> Spending:
    return _found(session, _of_period(policy, period), now)


def year_of(session: Session, policy: Policy, now: datetime) -> YearAt | None:
    """The calendar year against its budget; None where the policy has none."""
    report = _of_year(policy, now)
    return _found(session, report, now) if report else None


def count_next(session: Session, policy: Policy, now: datetime) -> Counted | None:
    """One report that is due, counted; None when none is. Only reads, because it takes long."""
    if not _many(session):
        return None
    newest = select(Period).order_by(col(Period.starts_at).desc()).limit(PERIODS)
    reports: list[_Report[Any]] = [_of_period(policy, one) for one in session.exec(newest).all()]
    if (this_year := _of_year(policy, now)) is not None:
        reports.append(this_year)
    for report in reports:
        kept = session.get(KeptFigures, report.name)
        if kept is None or not report.holds(kept.at, now, AGAIN):
            return Counted(report.name, now, report.form.dump_json(report.count(session, now)).decode())
    return None


def keep(session: Session, counted: Counted) -> None:
    session.merge(KeptFigures(name=counted.name, at=counted.at, text=counted.text))


@dataclass(frozen=True)
class _Report(Generic[T]):
    """`ended`: the moment after which nothing in it changes any more; None while it goes on."""

    name: str
    form: TypeAdapter[T]
    count: Callable[[Session, datetime], T]
    ended: datetime | None = None

    def holds(self, at: datetime, now: datetime, lasts: timedelta) -> bool:
        """Whether what was counted at that moment is still to be shown."""
        return now - at < lasts or (self.ended is not None and at >= self.ended)


def _of_period(policy: Policy, period: Period) -> _Report[Spending]:
    ended = period.ends_at + SETTLED if period.state == PeriodState.CLOSED else None
    return _Report(f"period:{period.id}", _SPENDING, partial(_spending, policy, period), ended)


def _of_year(policy: Policy, now: datetime) -> _Report[YearAt] | None:
    budget = policy.organisation.year_budget
    if not budget:
        return None
    # Another budget or zone is another report.
    name = f"year:{now.astimezone(policy.zone).year}:{budget}:{policy.zone.key}"
    return _Report(name, _YEAR, partial(_year, policy, budget))


def _spending(policy: Policy, period: Period, session: Session, now: datetime) -> Spending:
    return Spending(
        now,
        tuple(by_team(session, period, now)),
        tuple(by_day(session, period, policy.zone)),
        tuple(by_model(session, period, policy.zone)),
    )


def _year(policy: Policy, budget: int, session: Session, now: datetime) -> YearAt:
    return YearAt(now, year(session, budget, policy.zone, now))


def _found(session: Session, report: _Report[T], now: datetime) -> T:
    kept = session.get(KeptFigures, report.name) if _many(session) else None
    if kept is not None and report.holds(kept.at, now, BELIEVED):
        return report.form.validate_json(kept.text)
    return report.count(session, now)


def _many(session: Session) -> bool:
    # SQLite has one writer, who must not wait for a count.
    return (
        is_postgres(session)
        and session.exec(select(func.count()).select_from(Member)).one() > COUNTED_AT_ONCE
    )
