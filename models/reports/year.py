"""A calendar year against the organisation's budget. Amounts are integers in the stored unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, select

from models.db import Statement
from models.metering.outlook import rounded
from models.policy.calendar import midnight
from models.quota.period import Period


@dataclass(frozen=True)
class Month:
    """Spend of a month, and the rest of the budget after it."""

    first: date
    spent: int
    left: int


@dataclass(frozen=True)
class Year:
    """A calendar year against its budget. `projected`: spend by its end at the pace of the last four weeks."""

    budget: int
    spent: int
    projected: int
    runs_out: date | None
    months: tuple[Month, ...]

    @property
    def left(self) -> int:
        return self.budget - self.spent


PACE = timedelta(days=28)


def year(session: Session, budget: int, zone: ZoneInfo, now: datetime) -> Year:
    """The burn-down of this year's budget in `zone`. `runs_out`: None when the budget lasts."""
    today = now.astimezone(zone).date()
    start, end = (midnight(date(number, 1, 1), zone) for number in (today.year, today.year + 1))
    months, spent = [], 0
    for number in range(1, today.month + 1):
        first = date(today.year, number, 1)
        part = _used(
            session,
            midnight(first, zone),
            min(now, midnight((first + timedelta(days=31)).replace(day=1), zone)),
        )
        spent += part
        months.append(Month(first, part, budget - spent))
    # Not before the first period: an organisation that began last week has a week's pace.
    since = max(start, now - PACE, _begun(session) or now)
    seconds = max(int((now - since).total_seconds()), 24 * 60 * 60)
    lately, rest = _used(session, since, now), int((end - now).total_seconds())
    foreseen = spent + lately * rest // seconds
    left = budget - spent
    lasts = timedelta(seconds=left * seconds // lately) if lately and left > 0 else timedelta()
    runs_out = (now + lasts).astimezone(zone).date() if foreseen > budget else None
    return Year(budget, spent, max(spent, rounded(foreseen)), runs_out, tuple(months))


def _begun(session: Session) -> datetime | None:
    return session.exec(select(func.min(Period.starts_at))).one()


def _used(session: Session, since: datetime, until: datetime) -> int:
    return _USED.one(session, since=since, until=until)


_USED = Statement(
    "SELECT COALESCE(SUM(amount), 0) FROM transfer WHERE kind = 'use' AND at >= :since AND at < :until",
    row=int,
)
