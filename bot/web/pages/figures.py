"""The figures of each page, read in one transaction; the same functions as `quotabot report` and `budget`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import partial

from markupsafe import Markup

from bot.web.pages import charts
from bot.web.pages.viewer import Facts, Viewer, named, period_of, periods_of
from handlers.words import texts
from handlers.words.text import SafeText
from models.metering.outlook import rounded
from models.policy.document import fold
from models.quota.period import Period
from models.reports import audit
from models.reports.budget import pools
from models.reports.kept import Spending, spending, year_of
from models.reports.spending import EVERYBODY, OTHER, Line, foreseen
from models.reports.style import Row, Style
from models.reports.year import Year

# Teams and models in a chart; the tables have all.
MOST_BARS = 12
# Rows of the audit trail on one page, and rows that are searched for words.
MOST_ROWS, SEARCHED = 200, 2_000
# Transfers are left out: they would show what each person has.
RECORDS = ("authority", "decision")


# Spend


def overview(viewer: Viewer, name: str) -> Facts:
    period = period_of(viewer, name)
    if period is None:
        return {"period": None}
    kept = spending(viewer.session, viewer.policy, period, viewer.now)
    lines = kept.lines
    seen = [one for one in lines if one.team != EVERYBODY and viewer.sight.shows(one.team)]
    teams = [one for one in seen if not one.model]
    total = _together(teams, period, viewer.now)
    models = _models(viewer, seen)
    days = kept.days if viewer.sight.whole else ()
    return {
        "period": period, "chosen": named(viewer, period), "periods": periods_of(viewer), "tiles": _tiles(viewer, total, period),
        "year": _year(viewer) if viewer.sight.whole else None, "whole": viewer.sight.whole,
        "teams": _team_rows(viewer, teams, period), "team_chart": _team_chart(viewer, teams),
        "more_teams": len(teams) > MOST_BARS and MOST_BARS,
        "model_chart": _model_chart(viewer, models), "models": _model_rows(viewer, models, kept),
        "tokens": viewer.sight.whole and any(one.tokens for one in kept.models), "as_of": _as_of(viewer, kept),
        "day_chart": days and charts.columns(
            viewer.say(texts.PAGE_DAYS), [viewer.reader.calendar_day(one.day) for one in days],
            [one.spent for one in days], viewer.short,
        ),
        "agent_chart": days and charts.columns(
            viewer.say(texts.PAGE_AGENTS), [viewer.reader.calendar_day(one.day) for one in days],
            [one.active for one in days], lambda count: f"{count:.0f}",
        ),
    }  # fmt: skip


def _together(teams: Sequence[Line], period: Period, now: datetime) -> Line:
    names = {one.name for one in fields(Line)} - {"team", "model", "forecast"}
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
    seldom = [
        (say(texts.PAGE_FALLBACK), total.fallback, say(texts.PAGE_FALLBACK_NOTE)),
        (say(texts.PAGE_GIVEN), total.given, say(texts.PAGE_GIVEN_NOTE)),
    ]
    return [
        (say(texts.PAGE_USED), viewer.amount(total.used), of if total.allocation else ""),
        (say(texts.PAGE_FORECAST), viewer.amount(total.forecast), until),
        (say(texts.PAGE_GRANTED), viewer.amount(total.granted), ""),
        (say(texts.PAGE_LENT), viewer.amount(total.lent), ""),
        (say(texts.PAGE_EXPIRED), viewer.amount(total.expired), say(texts.PAGE_EXPIRED_NOTE)),
        (say(texts.PAGE_CARRIED), viewer.amount(total.carried), say(texts.PAGE_CARRIED_NOTE)),
        *((name, viewer.amount(amount), note) for name, amount, note in seldom if amount),
    ]


def _team_rows(viewer: Viewer, teams: Sequence[Line], period: Period) -> list[Facts]:
    granted = {fold(one.team): one for one in pools(viewer.session, viewer.policy, period, viewer.now)}
    rows = []
    for one in teams:
        pool, amounts = granted.get(fold(one.team)), ("allocation", "used", "forecast", "granted")
        rows.append(
            {
                name: viewer.amount(getattr(one, name))
                for name in (*amounts, "lent", "borrowed", "expired", "carried")
            }
            | {"team": one.team or viewer.say(texts.NO_TEAM), "people": one.people}
            | {"budget": viewer.amount(pool.whole) if pool else "–"}
        )
    return rows


def _model_rows(viewer: Viewer, models: Sequence[tuple[str, int]], kept: Spending) -> list[Facts]:
    """Spend by model; for the whole organisation with tokens and price, and with the free ones."""
    told = {one.model: one for one in kept.models} if viewer.sight.whole else {}
    used = dict(models) | {name: 0 for name in told if name not in dict(models)}
    rows = []
    for name, amount in used.items():
        one = told.get(name)
        price = one.per_million if one else None
        tokens = viewer.short_count(one.tokens) if one and one.tokens else "–"
        rows.append(
            {"model": name, "used": viewer.amount(amount), "tokens": tokens, "price": _price(viewer, price)}
        )
    return rows


def _price(viewer: Viewer, price: int | None) -> SafeText | str:
    if price is None:
        return "–"
    # Three digits: a price is an average.
    return viewer.amount(rounded(price)) if price else viewer.say(texts.PAGE_FREE)


def _as_of(viewer: Viewer, kept: Spending) -> SafeText:
    moment, counted = viewer.reader.moment(viewer.now), viewer.reader.moment(kept.at)
    if kept.at == viewer.now:
        return viewer.say(texts.PAGE_AS_OF, moment=moment)
    return viewer.say(texts.PAGE_COUNTED, moment=moment, counted=counted)


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
    kept = year_of(viewer.session, viewer.policy, viewer.now)
    if kept is None:
        return None
    found, names = kept.year, ("spent", "budget", "left", "projected", "low", "high")
    amounts = {name: viewer.amount(getattr(found, name)) for name in names}
    ends = (
        viewer.say(texts.PAGE_YEAR_RUNS_OUT, day=viewer.reader.calendar_day(found.runs_out))
        if found.runs_out is not None
        else viewer.say(texts.PAGE_YEAR_LASTS)
    )
    return {
        "said": viewer.say(texts.PAGE_YEAR_SAID, **amounts),
        "band": viewer.say(texts.PAGE_YEAR_BAND, **amounts) if found.low < found.high else "",
        "ends": ends,
        "chart": _burn_down(viewer, found),
        "narrow": _burn_down(viewer, found, narrow=True),
    }


def _burn_down(viewer: Viewer, found: Year, *, narrow: bool = False) -> Markup:
    """Twelve months: the sum so far, the budget, and a straight line to the projected end."""
    months, this = range(1, 13), len(found.months)
    so_far = [found.budget - one.left for one in found.months]
    first = found.months[0].first
    labels = [_month(viewer, first.replace(month=number)) for number in months]
    series: list[tuple[str, charts.Figures]] = [
        (viewer.say(texts.PAGE_YEAR_SPENT), [*so_far, *[None] * (12 - this)]),
        (viewer.say(texts.PAGE_YEAR_BUDGET), [found.budget] * 12),
        (viewer.say(texts.PAGE_YEAR_FORECAST), _ahead(found, found.projected)),
    ]
    band = viewer.say(texts.PAGE_YEAR_BETWEEN), _ahead(found, found.low), _ahead(found, found.high)
    return charts.lines(
        viewer.say(texts.PAGE_YEAR), labels, series, viewer.short, narrow=narrow,
        band=band if found.low < found.high and this < 12 else None,
    )  # fmt: skip


def _ahead(found: Year, end: int) -> charts.Figures:
    """A straight line from what is spent to the end of December."""
    this = len(found.months)
    step = (end - found.spent) / max(1, 12 - this)
    return [None] * (this - 1) + [found.spent + step * number for number in range(12 - this + 1)]


def _month(viewer: Viewer, first: date) -> str:
    return f"{first.month}月" if viewer.reader.chinese else f"{first:%b}"


# The audit trail


def spoken(viewer: Viewer, row: Row) -> Row:
    """The words of a row of the trail that people read; names of people, teams and columns stay as they are."""
    named = row["what"] in ("manager", "team", "employment")
    read = ("what",) if named else ("what", "before", "after")
    return row | {name: _AUDIT.sub(partial(_said, viewer), str(row[name] or "")) for name in read}


def _said(viewer: Viewer, found: re.Match[str]) -> str:
    return str(texts.AUDIT_WORDS[found[0]](viewer.reader.locale))


_AUDIT = re.compile(
    rf"(?<![\w@.-])(?:{'|'.join(sorted(texts.AUDIT_WORDS, key=len, reverse=True))})(?![\w@.-])"
)


def _words_of(row: Row) -> str:
    return " ".join(str(one) for one in row.values() if one).lower()


def trail(viewer: Viewer, record: str, since: date | None, words: str, most: int) -> list[Row]:
    """The newest rows that match, `most` at most."""
    style = Style(viewer.policy.unit, viewer.policy.zone)
    records = (record,) if record in RECORDS else RECORDS
    sought = words.strip().lower()
    rows = audit.newest(viewer.session, style, records, since, SEARCHED if sought else most)
    if sought:
        rows = [row for row in rows if any(sought in _words_of(one) for one in (row, spoken(viewer, row)))]
    return rows[:most]
