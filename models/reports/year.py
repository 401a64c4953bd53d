"""A calendar year against the organisation's budget. Amounts are integers in the stored unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import func, text
from sqlmodel import Session, select

from models.metering.outlook import rounded
from models.policy.calendar import midnight
from models.quota.period import Period
from models.statement import stored_time


@dataclass(frozen=True)
class Month:
    """Spend of a month, and the rest of the budget after it."""

    first: date
    spent: int
    left: int


@dataclass(frozen=True)
class Year:
    """A calendar year against its budget. `projected`: spend by its end at the pace of the last four weeks.

    `low` and `high`: the same at the pace of their slowest and their busiest week.
    """

    budget: int
    spent: int
    projected: int
    runs_out: date | None
    months: tuple[Month, ...]
    paced_over: timedelta = timedelta()
    """The time whose pace the projection goes on with."""
    low: int = 0
    high: int = 0

    @property
    def left(self) -> int:
        return self.budget - self.spent


PACE, WEEK = timedelta(days=28), timedelta(days=7)


def year(session: Session, budget: int, zone: ZoneInfo, now: datetime) -> Year:
    """The burn-down of this year's budget in `zone`. `runs_out`: None when the budget lasts."""
    today = now.astimezone(zone).date()
    start, end = (midnight(date(number, 1, 1), zone) for number in (today.year, today.year + 1))
    firsts = [date(today.year, number, 1) for number in range(1, today.month + 1)]
    # Not before the first period: an organisation that began last week has a week's pace.
    since = max(start, now - PACE, _begun(session) or now)
    whole_weeks = [now - WEEK * number for number in range((now - since) // WEEK, -1, -1)]
    bounds = [*(midnight(one, zone) for one in firsts), now]
    found = _used(session, [*pairwise(bounds), (since, now), *pairwise(whole_weeks)])
    parts, lately, weeks = found[: len(firsts)], found[len(firsts)], found[len(firsts) + 1 :]
    months, spent = [], 0
    for first, part in zip(firsts, parts, strict=True):
        spent += part
        months.append(Month(first, part, budget - spent))
    seconds, rest = max(_seconds(now - since), 24 * 60 * 60), _seconds(end - now)
    foreseen = spent + lately * rest // seconds
    left = budget - spent
    lasts = timedelta(seconds=left * seconds // lately) if lately and left > 0 else timedelta()
    runs_out = (now + lasts).astimezone(zone).date() if foreseen > budget else None
    projected = max(spent, rounded(foreseen))
    low, high = _band(spent, projected, [rounded(spent + one * rest // _seconds(WEEK)) for one in weeks])
    return Year(budget, spent, projected, runs_out, tuple(months), now - since, low, high)


def _band(spent: int, projected: int, ends: list[int]) -> tuple[int, int]:
    """The lowest and the highest end; no wider than a point where no week has passed."""
    return max(spent, min([projected, *ends])), max([projected, *ends])


def _seconds(time: timedelta) -> int:
    return int(time.total_seconds())


def _begun(session: Session) -> datetime | None:
    return session.exec(select(func.min(Period.starts_at))).one()


def _used(session: Session, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """What was spent in each span; all in one scan of the transfers."""
    net = "CASE kind WHEN 'use' THEN amount ELSE -amount END"
    sums = ", ".join(
        f"SUM(CASE WHEN at >= :a{n} AND at < :b{n} THEN {net} ELSE 0 END)" for n in range(len(spans))
    )
    words = {
        f"{end}{n}": stored_time(session, at)
        for n, span in enumerate(spans)
        for end, at in zip("ab", span, strict=True)
    }
    query = text(  # the names of its parameters are numbered
        f"SELECT {sums} FROM transfer WHERE kind IN ('use', 'void') AND at >= :first AND at < :last"  # noqa: S608
    )
    words |= {
        "first": stored_time(session, min(start for start, _ in spans)),
        "last": stored_time(session, max(end for _, end in spans)),
    }
    return [int(one or 0) for one in session.connection().execute(query, words).one()]
