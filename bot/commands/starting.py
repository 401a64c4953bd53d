"""run, demo, migrate."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import Annotated

import typer

from bot.commands.console import NOT_YET, Failed, ledger, refuse_others
from bot.database import Database
from bot.migrate import migrate as to_head
from bot.settings import Settings

app = typer.Typer()
REAL = ("slack_bot_token", "slack_app_token", "dingtalk_client_secret", "gateway_key")


@app.command()
def run() -> None:
    """Every configured messenger, the worker and the HTTP endpoints until SIGTERM."""
    from bot.running import run_until_told  # noqa: PLC0415 - the messengers' libraries take a second to load

    settings = Settings.load()
    with ledger(settings):  # brings the schema to head, or says how
        pass
    asyncio.run(run_until_told(settings))


@app.command()
def demo(
    port: Annotated[
        int, typer.Option(help="Where the page is; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where real tokens are set.")] = False,
) -> None:
    """The playground: everything on this machine, nothing leaves it."""
    settings = Settings.load()
    found = [name.upper() for name in REAL if getattr(settings, name)]
    if found and not force:
        raise Failed(
            f"real credentials are set ({', '.join(found)}); the playground needs none. Say --force to go on."
        )
    try:
        playground = importlib.import_module("bot.demo.playground")
    except ModuleNotFoundError as missing:
        if missing.name != "bot.demo.playground":
            raise
        raise Failed(NOT_YET) from missing
    started = playground.run_demo(port, not no_browser, force)
    if inspect.iscoroutine(started):
        asyncio.run(started)


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
