"""report: figures for the people who pay, by team and model, never by person."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlmodel import Session

from bot.cli.console import as_json, open_database, policy_in_force, table
from bot.cli.errors import Failed
from bot.rows import csv_lines
from models.ledger.amount import plain
from models.policy.document import Policy
from models.quota.chain import head
from models.reports.spending import Line, by_day, by_team, period_named

app = typer.Typer()
_PLAIN = ("team", "model", "people")


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class By(StrEnum):
    TEAM = "team"
    DAY = "day"


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
    """What was given, used, lent, granted and expired, by team and model; and each day's active agents beside the spend."""
    with open_database() as database:
        found = database.query(lambda session: _report(session, period, datetime.now(UTC)))
        sealed = database.query(head)
    if json_ or format_ is Format.JSON:
        as_json(found | {"chain": sealed._asdict() if sealed else None})
    elif format_ is Format.CSV:
        which = {"unit": found["unit"], "period": found["period"]["start"][:10]}
        columns, rows = (_TEAM, found["teams"]) if by is By.TEAM else (_DAY, found["days"])
        for line in csv_lines((*columns, *_WHICH), (row | which for row in rows)):
            typer.echo(line, nl=False)
    else:
        typer.echo(f"{found['period']['start']} – {found['period']['end']}, in {found['unit']}")
        for columns, rows in ((_TEAM, found["teams"]), (_DAY, found["days"])):
            typer.echo("")
            named = (row if row.get("team") != "" else row | {"team": "–"} for row in rows)
            table([columns, *(tuple(str(row[name]) for name in columns) for row in named)])
    if sealed and not (json_ or format_ is Format.JSON):
        typer.echo(sealed.line, err=True)  # not into the figures on stdout


_TEAM = tuple(one.name for one in fields(Line))
_DAY = ("day", "active", "spent", "people")
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
    }


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
