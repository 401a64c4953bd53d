"""`budget`: the organisation's year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlmodel import Session

from bot.cli.console import open_database, policy_in_force
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from models.ledger.amount import plain
from models.reports.year import year

app = typer.Typer()


@app.command()
def budget(json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False) -> None:
    """The organisation's year: what is spent of its budget, month by month, and where it ends at this pace."""
    with open_database() as database:
        found = database.query(lambda session: _budget(session, datetime.now(UTC)))
    if json_:
        as_json(found)
        return
    table(
        [("month", "spent", "left"), *((one["month"], one["spent"], one["left"]) for one in found["months"])]
    )
    unit = found["unit"]
    typer.echo(f"spent {found['spent']} of {found['budget']} {unit}; {found['left']} left")
    ends = f"the budget ends on {found['runs_out']}" if found["runs_out"] else "the budget lasts"
    typer.echo(f"at the pace of the last four weeks the year ends at {found['projected']} {unit}: {ends}")
    if found["low"] != found["high"]:
        typer.echo(
            f"like their slowest week it would end at {found['low']}, like their busiest at {found['high']} {unit}"
        )


def _budget(session: Session, now: datetime) -> dict[str, Any]:
    _, policy = policy_in_force(session)
    if policy.organisation.year_budget is None:
        raise Failed("the policy has no year's budget: add `organisation: {year_budget: 1000000}` to it")
    found, unit = year(session, policy.organisation.year_budget, policy.zone, now), policy.unit
    return {
        "unit": unit.value,
        "budget": plain(found.budget, unit),
        "spent": plain(found.spent, unit),
        "left": plain(found.left, unit),
        "projected": plain(found.projected, unit),
        "low": plain(found.low, unit),
        "high": plain(found.high, unit),
        "runs_out": found.runs_out.isoformat() if found.runs_out else None,
        "months": [
            {"month": f"{one.first:%Y-%m}", "spent": plain(one.spent, unit), "left": plain(one.left, unit)}
            for one in found.months
        ],
    }
