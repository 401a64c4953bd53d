"""The commands `run` and `migrate`."""

from __future__ import annotations

import asyncio

import typer

from bot.cli.console import ledger, refuse_others
from bot.database import Database
from bot.migrate import migrate as to_head
from bot.settings import Settings

app = typer.Typer()


@app.command()
def run() -> None:
    """Every configured messenger, the worker and the HTTP endpoints until SIGTERM."""
    from bot.app import run_until_told  # noqa: PLC0415 - the messengers' libraries take a second to load

    settings = Settings.load()
    with ledger(settings):  # brings the schema to head, or says how
        pass
    asyncio.run(run_until_told(settings))


@app.command()
def migrate() -> None:
    """Bring the schema to head."""
    settings = Settings.load()
    refuse_others(settings.database_url)
    database = Database(settings.database_url)
    try:
        to_head(database.engine)
    finally:
        database.close()
    typer.echo("the schema is at head")
