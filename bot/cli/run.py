"""`run`: the bot itself."""

from __future__ import annotations

import asyncio

import typer

from bot.cli.console import open_database
from bot.settings import Settings

app = typer.Typer()


@app.command()
def run() -> None:
    """Every configured messenger, the worker and the HTTP endpoints until SIGTERM."""
    from bot.app import run_until_told  # noqa: PLC0415 - the messengers' libraries take a second to load

    settings = Settings.load()
    with open_database(settings):  # migrates, or says how
        pass
    asyncio.run(run_until_told(settings))
