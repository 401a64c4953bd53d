"""`run`: the bot itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from bot.cli.console import open_database, unknown_everywhere
from bot.cli.errors import Failed
from bot.doctor.settings import check_settings
from bot.loading import loading
from bot.one_run import AlreadyRunning, only_run
from bot.settings import Settings
from models.people.directory import count_unknown_everywhere

app = typer.Typer()


@app.command()
def run() -> None:
    """Every configured messenger, the worker and the HTTP endpoints until SIGTERM."""
    with loading():
        from bot.app import run_until_told  # noqa: PLC0415 - the messengers' libraries take a second to load

    settings = Settings.load()
    with open_database(settings) as database:  # migrates, or says how
        unknown = database.query(count_unknown_everywhere)
    for check in check_settings(settings, Path(".env")):
        if (
            check.status == "wrong" and check.subject != "messengers"
        ):  # a bot without one may still lead the gateway
            typer.echo(check.line, err=True)
    if unknown:
        typer.echo(unknown_everywhere(unknown), err=True)
    try:
        with only_run(settings.database_url):
            asyncio.run(run_until_told(settings))
    except AlreadyRunning as other:
        raise Failed(f"DATABASE_URL: another `quotabot run` works on {other}; SQLite bears one") from None
