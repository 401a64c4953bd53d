"""`show`: one member's quota, loans and requests."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlmodel import Session

from bot.cli.console import as_json, member, open_database, table
from bot.cli.errors import Failed
from models.people.member import Member
from models.refusal import AmbiguousPerson, UnknownPerson
from models.reports.member import overview

app = typer.Typer()


@app.command()
def show(
    whom: Annotated[str, typer.Argument(metavar="EMAIL", help="Or a name, where only one colleague has it.")],
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """What somebody has, gave, took and asked for."""
    with open_database() as database:
        found = database.query(lambda session: overview(session, _named(session, whom)))
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


def _named(session: Session, whom: str) -> Member:
    """By e-mail, also after leaving; else by name, handle or job number."""
    if "@" in whom.strip().lstrip("@"):
        return member(session, whom)
    try:
        return Member.named(session, whom)
    except UnknownPerson:
        raise Failed(f"nobody here has the name or e-mail {whom.strip()}") from None
    except AmbiguousPerson as several:
        raise Failed(f"several are called {whom.strip()}: {', '.join(several.names)}") from None
