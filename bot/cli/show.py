"""`show`: one member's quota, loans and requests."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.console import as_json, member, open_database, table
from models.reports.member import overview

app = typer.Typer()


@app.command()
def show(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """What somebody has, gave, took and asked for."""
    with open_database() as database:
        found = database.query(lambda session: overview(session, member(session, email)))
    if json_:
        as_json(found)
        return
    words = {**found, "period": " – ".join(found["period"].values()) if found["period"] else "none"}
    table([(name, str(value)) for name, value in words.items() if not isinstance(value, list | None)])
    for loan in found["loans"]:
        typer.echo(
            f"loan {loan['id']}: {loan['role']} with {loan['with']}, unspent {loan['unspent']}, owed {loan['owed']}"
        )
    for request in found["requests"]:
        typer.echo(f"request {request['code']}: {request['amount']}, {request['state']}")
