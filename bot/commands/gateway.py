"""gateway status, diff, link, adopt, restore, release."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.console import NOT_YET, Failed

app = typer.Typer(name="gateway", help="What the gateway meters and enforces.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@app.command()
def status() -> None:
    """What is connected, in which mode, how old the last reading is."""
    raise Failed(NOT_YET)


@app.command()
def diff() -> None:
    """Where the gateway's limits differ from the ledger."""
    raise Failed(NOT_YET)


@app.command()
def link(plan: Annotated[bool, typer.Option("--plan", help="Show it only.")] = False) -> None:
    """Find whose the gateway's accounts are."""
    raise Failed(NOT_YET)


@app.command()
def adopt(email: Email) -> None:
    """Take somebody's account over as it is."""
    raise Failed(NOT_YET)


@app.command()
def restore(email: Email) -> None:
    """Write the limit again that was changed by hand."""
    raise Failed(NOT_YET)


@app.command()
def release() -> None:
    """Put back the limits as they were found."""
    raise Failed(NOT_YET)
