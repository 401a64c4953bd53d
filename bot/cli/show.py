"""`show`: one member's quota, loans and requests."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.glance import Glance, glance
from bot.settings import Settings
from models.reports.member import find, overview

app = typer.Typer()


@app.command()
def show(
    whom: Annotated[str, typer.Argument(metavar="EMAIL", help="Or a name, where only one colleague has it.")],
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """What somebody has, gave, took and asked for."""
    email = whom if "@" in whom.strip().lstrip("@") else ""
    found = glance(Settings.load().database_url, lambda session: _of(session, email)) if email else None
    found = found or _found(whom)
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


def _of(session: Glance, email: str) -> dict[str, Any] | None:
    member = find(session, email)
    return overview(session, member) if member else None


def _found(whom: str) -> dict[str, Any]:
    """Whatever a glance did not show: a name, a database that has to be created or is away, or nobody."""
    from bot.cli.console import open_database  # noqa: PLC0415 - loads SQLAlchemy and every table

    with open_database() as database:
        return database.query(lambda session: overview(session, _named(session, whom)))


def _named(session: Any, whom: str) -> Any:
    """By e-mail, also after leaving; else by name, handle or job number."""
    from bot.cli.console import member  # noqa: PLC0415
    from models.people.member import Member  # noqa: PLC0415
    from models.refusal import AmbiguousPerson, UnknownPerson  # noqa: PLC0415

    if "@" in whom.strip().lstrip("@"):
        return member(session, whom)
    try:
        return Member.named(session, whom)
    except UnknownPerson:
        raise Failed(f"nobody here has the name or e-mail {whom.strip()}") from None
    except AmbiguousPerson as several:
        raise Failed(f"several are called {whom.strip()}: {', '.join(several.names)}") from None
