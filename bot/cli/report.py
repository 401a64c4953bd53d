"""report: figures for the people who pay, by team and model, never by person."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlmodel import Session

from bot.cli.console import open_database, policy_in_force
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.rows import csv_lines
from models.ledger.amount import plain
from models.policy.document import Policy
from models.quota.chain import head
from models.reports.requests import PolicyLine, requests_of, within
from models.reports.spending import Line, ModelUse, by_day, by_model, by_team, period_named

app = typer.Typer()
_PLAIN = ("team", "model", "people")


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class By(StrEnum):
    TEAM = "team"
    DAY = "day"
    MODEL = "model"
    DECISION = "decision"


@app.command()
def report(
    period: Annotated[
        str | None, typer.Option(metavar="PERIOD", help="2026-11, or a day of it; the newest when absent.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="csv is safe to open in a spreadsheet.")
    ] = Format.TABLE,
    by: Annotated[By, typer.Option("--by", help="What a row of the CSV is.")] = By.TEAM,
    json_: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """What was given, used, lent, granted and expired, by team and model; and each day's active agents beside the spend;
    models with the price of a million tokens; who decided requests, and how fast."""
    with open_database() as database:
        found = database.query(lambda session: _report(session, period, datetime.now(UTC)))
        sealed = database.query(head)
    if json_ or format_ is Format.JSON:
        as_json(found | {"chain": sealed._asdict() if sealed else None})
    elif format_ is Format.CSV:
        which = {"unit": found["unit"], "period": found["period"]["start"][:10]}
        columns, rows = _COLUMNS[by], found[f"{by.value}s"]
        for line in csv_lines((*columns, *_WHICH), (row | which for row in rows)):
            typer.echo(line, nl=False)
    else:
        typer.echo(f"{found['period']['start']} – {found['period']['end']}, in {found['unit']}")
        for by_, columns in _COLUMNS.items():
            rows = found[f"{by_.value}s"]
            typer.echo("")
            named = (row if row.get("team") != "" else row | {"team": "–"} for row in rows)
            table([columns, *(tuple(str(row[name]) for name in columns) for row in named)])
    if sealed and not (json_ or format_ is Format.JSON):
        typer.echo(sealed.line, err=True)  # not into the figures on stdout


_TEAM = tuple(one.name for one in fields(Line))
_COLUMNS = {
    By.TEAM: _TEAM,
    By.DAY: ("day", "active", "spent", "people"),
    By.MODEL: ("model", "spent", "tokens", "per_million"),
    By.DECISION: ("by", "granted", "declined", "median_minutes", "nine_of_ten_minutes"),
}
# In the CSV only, so that files of several periods fit into one sheet.
_WHICH = ("unit", "period")


def _report(session: Session, name: str | None, now: datetime) -> dict[str, Any]:
    _, policy = policy_in_force(session)
    try:
        period = period_named(session, name, policy.zone)
    except ValueError:
        raise typer.BadParameter(f"{name!r} is no month such as 2026-11", param_hint="--period") from None
    if period is None:
        raise Failed(f"there is no period {name}")
    days = by_day(session, period, policy.zone)
    _, decided = requests_of(session, policy, period, lambda _: True)
    start, end = (at.astimezone(policy.zone).isoformat() for at in (period.starts_at, period.ends_at))
    return {
        "period": {"start": start, "end": end, "state": period.state},
        "unit": policy.unit.value,
        "teams": [_row(line, policy) for line in by_team(session, period, now)],
        "days": [
            {
                "day": one.day.isoformat(),
                "active": one.active,
                "spent": plain(one.spent, policy.unit),
                "people": one.people,
            }
            for one in days
        ],
        "models": [_model(one, policy) for one in by_model(session, period, policy.zone)],
        "decisions": [_decision(one) for one in decided.by_line()],
    }


def _model(one: ModelUse, policy: Policy) -> dict[str, Any]:
    price = "" if one.per_million is None else plain(one.per_million, policy.unit)
    return {
        "model": one.model,
        "spent": plain(one.spent, policy.unit),
        "tokens": one.tokens,
        "per_million": price,
    }


def _decision(one: PolicyLine) -> dict[str, Any]:
    """A line of the policy: `policy`, `emergency`, or the role of those who decided; empty where it is not known."""
    return {
        "by": one.why, "granted": one.granted, "declined": one.declined, "median_minutes": _minutes(one, 0.5),
        "nine_of_ten_minutes": _minutes(one, 0.9),
    }  # fmt: skip


def _minutes(one: PolicyLine, share: float) -> int | None:
    time = within(one.took, share)
    return None if time is None else round(time.total_seconds() / 60)


def _row(line: Line, policy: Policy) -> dict[str, Any]:
    """One row; a model has only the figures that are known by model."""
    row: dict[str, Any] = {
        "team": line.team,
        "model": line.model,
        "people": "" if line.model else line.people,
    }
    for name in _TEAM[len(_PLAIN) :]:
        known = not line.model or name in ("used", "forecast")
        row[name] = plain(getattr(line, name), policy.unit) if known else ""
    return row
