"""`migrate`: the schema of the database."""

from __future__ import annotations

import typer

from bot import migrate as schema
from bot.cli.console import check_url
from bot.database import Database
from bot.settings import Settings

app = typer.Typer()


@app.command()
def migrate() -> None:
    """Bring the schema to head."""
    settings = Settings.load()
    check_url(settings.database_url)
    database = Database(settings.database_url)
    try:
        schema.migrate(database.engine)
    finally:
        database.close()
    typer.echo("the schema is at head")
