"""`run`: the bot itself."""

from __future__ import annotations

import asyncio

import typer

from bot.cli.console import open_database, unknown_everywhere
from bot.settings import Settings
from models.people.directory import count_unknown_everywhere

app = typer.Typer()


@app.command()
def run() -> None:
    """Every configured messenger, the worker and the HTTP endpoints until SIGTERM."""
    from bot.app import run_until_told  # noqa: PLC0415 - the messengers' libraries take a second to load

    settings = Settings.load()
    with open_database(settings) as database:  # migrates, or says how
        unknown = database.query(count_unknown_everywhere)
    if unknown:
        typer.echo(unknown_everywhere(unknown), err=True)
    asyncio.run(run_until_told(settings))
