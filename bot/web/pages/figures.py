"""The figures of each page, read in one transaction; the same functions as `quotabot report` and `budget`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_compact_decimal
from markupsafe import Markup
from sqlmodel import Session, col, select

from bot.web.pages import charts
from handlers.context import Reader
from handlers.words import texts
from handlers.words.text import SafeText
from models.ledger.amount import plain
from models.policy import versions
from models.policy.document import Policy, fold
from models.policy.sight import Sight
from models.quota.period import Period
from models.reports import audit
from models.reports.budget import pools
from models.reports.requests import requests_of
from models.reports.spending import EVERYBODY, OTHER, Line, by_day, by_team, foreseen, period_named
from models.reports.style import Row, Style
from models.reports.year import Year, year

Facts = dict[str, Any]
# Teams and models in a chart; the tables have all.
MOST_BARS = 12
# Rows of the audit trail on one page, and rows that are searched for words.
MOST_ROWS, SEARCHED = 200, 2_000
# Transfers are left out: they would show what each person has.
RECORDS = ("authority", "decision")


@dataclass(frozen=True)
class Viewer:
    """The person who looks: what they may see, and how they read."""

    session: Session
    policy: Policy
    version: int
    sight: Sight
    reader: Reader
    now: datetime

    def amount(self, stored: int) -> SafeText:
        return self.reader.amount(stored)

    def short(self, value: float) -> str:
        """An axis label: `1.2K`, `12万`."""
        number = Decimal(plain(int(value), self.policy.unit))
        return str(format_compact_decimal(number, locale=self._locale, fraction_digits=1))

    @property
    def _locale(self) -> Locale:
        return Locale.parse("zh_CN" if self.reader.chinese else "en_GB")

    def say(self, text: Any, **facts: Any) -> SafeText:
        # The template escapes, so names are not escaped a second time.
        return SafeText(text(self.reader.locale, **{name: SafeText(one) for name, one in facts.items()}))


# Spend


def overview(viewer: Viewer, name: str) -> Facts:
    period = _period(viewer, name)
    if period is None:
        return {"period": None}
    lines = by_team(viewer.session, period, viewer.now)
    seen = [one for one in lines if one.team != EVERYBODY and viewer.sight.shows(one.team)]
    teams = [one for one in seen if not one.model]
    total = _together(teams, period, viewer.now)
    models = _models(viewer, seen)
    days = by_day(viewer.session, period, viewer.policy.zone) if viewer.sight.whole else []
    return {
        "period": period, "chosen": _named(viewer, period), "periods": _periods(viewer), "tiles": _tiles(viewer, total, period),
        "year": _year(viewer) if viewer.sight.whole else None, "whole": viewer.sight.whole,
        "teams": _team_rows(viewer, teams, period), "team_chart": _team_chart(viewer, teams),
        "more_teams": len(teams) > MOST_BARS and MOST_BARS,
        "model_chart": _model_chart(viewer, models), "models": [(one, viewer.amount(used)) for one, used in models],
        "day_chart": days and charts.columns(
            viewer.say(texts.PAGE_DAYS), [viewer.reader.calendar_day(one.day) for one in days],
            [one.spent for one in days], viewer.short,
        ),
        "agent_chart": days and charts.columns(
            viewer.say(texts.PAGE_AGENTS), [viewer.reader.calendar_day(one.day) for one in days],
            [one.active for one in days], lambda count: f"{count:.0f}",
        ),
    }  # fmt: skip


def _period(viewer: Viewer, name: str) -> Period | None:
    try:
        return period_named(viewer.session, name or None, viewer.policy.zone)
    except ValueError:
        return period_named(viewer.session, None, viewer.policy.zone)


def _named(viewer: Viewer, period: Period) -> str:
    return f"{period.starts_at.astimezone(viewer.policy.zone):%Y-%m-%d}"


def _periods(viewer: Viewer) -> list[tuple[str, str]]:
    """The latest periods: the day that names each, and its first and last day."""
    query = select(Period).order_by(col(Period.starts_at).desc()).limit(13)
    return [
        (
            _named(viewer, one),
            f"{viewer.reader.day(one.starts_at)} – {viewer.reader.last_day(one.ends_at)}",
        )
        for one in viewer.session.exec(query).all()
    ]


def _together(teams: Sequence[Line], period: Period, now: datetime) -> Line:
    names = ("people", "allocation", "used", "lent", "borrowed", "granted", "expired")
    sums = {name: sum(getattr(one, name) for one in teams) for name in names}
    return Line(EVERYBODY, **sums, forecast=foreseen(sums["used"], period, now))


def _models(viewer: Viewer, lines: Sequence[Line]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for one in lines:
        if one.model:
            name = viewer.say(texts.PAGE_NO_MODEL) if one.model == OTHER else one.model
            sums[name] = sums.get(name, 0) + one.used
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))


def _tiles(viewer: Viewer, total: Line, period: Period) -> list[tuple[str, str, str]]:
    say, part = viewer.say, total.used * 100 // total.allocation if total.allocation else 0
    of = say(texts.PAGE_OF_ALLOCATION, percent=str(part), amount=viewer.amount(total.allocation))
    until = say(texts.PAGE_FORECAST_UNTIL, day=viewer.reader.last_day(period.ends_at))
    return [
        (say(texts.PAGE_USED), viewer.amount(total.used), of if total.allocation else ""),
        (say(texts.PAGE_FORECAST), viewer.amount(total.forecast), until),
        (say(texts.PAGE_GRANTED), viewer.amount(total.granted), ""),
        (say(texts.PAGE_LENT), viewer.amount(total.lent), ""),
        (say(texts.PAGE_EXPIRED), viewer.amount(total.expired), say(texts.PAGE_EXPIRED_NOTE)),
    ]


def _team_rows(viewer: Viewer, teams: Sequence[Line], period: Period) -> list[Facts]:
    granted = {fold(one.team): one for one in pools(viewer.session, viewer.policy, period, viewer.now)}
    rows = []
    for one in teams:
        pool, amounts = granted.get(fold(one.team)), ("allocation", "used", "forecast", "granted")
        rows.append(
            {name: viewer.amount(getattr(one, name)) for name in (*amounts, "lent", "borrowed", "expired")}
            | {"team": one.team or viewer.say(texts.NO_TEAM), "people": one.people}
            | {"budget": viewer.amount(pool.whole) if pool else "–"}
        )
    return rows


def _team_chart(viewer: Viewer, teams: Sequence[Line]) -> Markup | None:
    largest = sorted(teams, key=lambda one: (-max(one.used, one.allocation), one.team))[:MOST_BARS]
    if not largest:
        return None
    names = [one.team or viewer.say(texts.NO_TEAM) for one in largest]
    series = [
        (viewer.say(texts.PAGE_ALLOCATION), [one.allocation for one in largest]),
        (viewer.say(texts.PAGE_COLUMN_USED), [one.used for one in largest]),
    ]
    return charts.rows(viewer.say(texts.PAGE_TEAMS), [_cut(one) for one in names], series, viewer.short)


def _model_chart(viewer: Viewer, models: Sequence[tuple[str, int]]) -> Markup | None:
    if not models:
        return None
    largest = models[:MOST_BARS]
    series = [(viewer.say(texts.PAGE_COLUMN_USED), [used for _, used in largest])]
    return charts.rows(viewer.say(texts.PAGE_MODELS), [_cut(one) for one, _ in largest], series, viewer.short)


def _cut(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _year(viewer: Viewer) -> Facts | None:
    budget = viewer.policy.organisation.year_budget
    if not budget:
        return None
    found = year(viewer.session, budget, viewer.policy.zone, viewer.now)
    amounts = {name: viewer.amount(getattr(found, name)) for name in ("spent", "budget", "left", "projected")}
    ends = (
        viewer.say(texts.PAGE_YEAR_RUNS_OUT, day=viewer.reader.calendar_day(found.runs_out))
        if found.runs_out is not None
        else viewer.say(texts.PAGE_YEAR_LASTS)
    )
    return {
        "said": viewer.say(texts.PAGE_YEAR_SAID, **amounts),
        "ends": ends,
        "chart": _burn_down(viewer, found),
    }


def _burn_down(viewer: Viewer, found: Year) -> Markup:
    """Twelve months: the sum so far, the budget, and a straight line to the projected end."""
    months, this = range(1, 13), len(found.months)
    so_far = [found.budget - one.left for one in found.months]
    step = (found.projected - found.spent) / max(1, 12 - this)
    ahead = [None] * (this - 1) + [found.spent + step * number for number in range(12 - this + 1)]
    first = found.months[0].first
    labels = [_month(viewer, first.replace(month=number)) for number in months]
    series: list[tuple[str, charts.Figures]] = [
        (viewer.say(texts.PAGE_YEAR_SPENT), [*so_far, *[None] * (12 - this)]),
        (viewer.say(texts.PAGE_YEAR_BUDGET), [found.budget] * 12),
        (viewer.say(texts.PAGE_YEAR_FORECAST), ahead),
    ]
    return charts.lines(viewer.say(texts.PAGE_YEAR), labels, series, viewer.short)


def _month(viewer: Viewer, first: date) -> str:
    return f"{first.month}月" if viewer.reader.chinese else f"{first:%b}"


# Requests


def requests(viewer: Viewer, name: str) -> Facts:
    period = _period(viewer, name)
    if period is None:
        return {"period": None}
    teams, total = requests_of(viewer.session, viewer.policy, period, viewer.sight.shows)
    say, note = viewer.say, ""
    if total.oldest is not None:
        oldest = viewer.reader.moment(total.oldest)
        note = say(texts.PAGE_WAITING_NOTE, amount=viewer.amount(total.waiting_amount), moment=oldest)
    return {
        "period": period, "chosen": _named(viewer, period), "periods": _periods(viewer),
        "tiles": [
            (say(texts.PAGE_WAITING), str(total.waiting), note),
            (say(texts.PAGE_APPROVED), str(total.approved), viewer.amount(total.granted)),
            (say(texts.PAGE_BY_POLICY), str(total.by_policy), ""),
            (say(texts.PAGE_DECLINED), str(total.declined), ""),
            (say(texts.PAGE_ENDED), str(total.ended), ""),
            (say(texts.PAGE_MEDIAN), _lasted(viewer, total.median), say(texts.PAGE_MEDIAN_NOTE)),
        ],
        "teams": [
            {
                "team": one.team or say(texts.NO_TEAM), "waiting": one.waiting, "approved": one.approved,
                "granted": viewer.amount(one.granted), "by_policy": one.by_policy, "declined": one.declined,
                "ended": one.ended, "median": _lasted(viewer, one.median),
            }
            for one in teams
        ],
    }  # fmt: skip


def _lasted(viewer: Viewer, time: timedelta | None) -> str:
    if time is None:
        return "–"
    minutes = round(time.total_seconds() / 60)
    if minutes < 120:
        return viewer.say(texts.PAGE_MINUTES, count=str(minutes))
    return viewer.say(texts.PAGE_HOURS, count=str(round(minutes / 60)))


# The policy


def policy(viewer: Viewer) -> Facts:
    kept = viewer.session.get_one(versions.PolicyVersion, viewer.version)
    waiting = versions.staged(viewer.session)
    since = viewer.reader.moment(kept.in_force_at or kept.applied_at)
    return {
        "version": viewer.say(texts.PAGE_VERSION, version=str(viewer.version), moment=since),
        "rules": [
            {
                "match": ", ".join(f"{name}: {value}" for name, value in one.match.items()),
                "amount": viewer.amount(one.amount),
                "reason": one.reason,
            }
            for one in viewer.policy.allocations
        ],
        "pools": [
            (one.name, viewer.amount(one.top_up_budget))
            for one in viewer.policy.teams
            if one.top_up_budget is not None
        ],
        "staged": waiting and viewer.say(
            texts.PAGE_STAGED, version=str(waiting.version),
            day=viewer.reader.calendar_day(waiting.effective) if waiting.effective else "–",
        ),
        "difference": _difference(kept.text, waiting.text) if waiting else [],
    }  # fmt: skip


def _difference(before: str, after: str) -> list[tuple[str, str]]:
    """(kind, line): `gone`, `new`, `place` or `same`."""
    kinds = {"-": "gone", "+": "new", "@": "place"}
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    return [(kinds.get(line[:1], "same"), line) for line in lines]


# The audit trail


def trail(viewer: Viewer, record: str, since: date | None, words: str) -> list[Row]:
    style = Style(viewer.policy.unit, viewer.policy.zone)
    records = (record,) if record in RECORDS else RECORDS
    rows = audit.newest(viewer.session, style, records, since, SEARCHED)
    if sought := words.strip().lower():
        rows = [row for row in rows if sought in " ".join(str(one) for one in row.values() if one).lower()]
    return rows
