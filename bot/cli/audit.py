"""`audit`: add the ledger up again."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.console import as_json, open_database, table
from bot.cli.errors import Failed
from models.ledger.audit import audit

app = typer.Typer()


@app.command("audit")
def check_books(json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False) -> None:
    """Add the whole ledger up again and check what is always true."""
    with open_database() as database:
        report = database.query(audit)
    if json_:
        wrong = [{"rule": rule, "id": number, "found": found} for rule, number, found in report.wrong]
        as_json({"counts": report.counts, "wrong": wrong})
    else:
        table([(name, str(count)) for name, count in report.counts.items()])
    if report.wrong:
        raise Failed(
            *(f"not true: {rule}: row {number}, found {found}" for rule, number, found in report.wrong)
        )
    if not json_:
        typer.echo("everything adds up")
