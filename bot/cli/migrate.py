"""`migrate`: the schema of the database."""

from __future__ import annotations

import typer

from bot.cli.console import check_url
from bot.database import Database
from bot.migrate import migrate
from bot.settings import Settings

app = typer.Typer()


@app.command("migrate")
def bring_to_head() -> None:
    """Bring the schema to head."""
    settings = Settings.load()
    check_url(settings.database_url)
    database = Database(settings.database_url)
    try:
        migrate(database.engine)
    finally:
        database.close()
    typer.echo("the schema is at head")
