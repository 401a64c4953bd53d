"""`resume`: an operator lets somebody spend again."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlmodel import Session

from bot.cli.console import member, open_database
from bot.cli.errors import Failed
from bot.cli.pause import context
from bot.settings import Settings
from handlers import brake

app = typer.Typer()


@app.command()
def resume(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """End somebody's pause, whoever paused them."""
    settings = Settings.load()
    with open_database(settings) as database:
        typer.echo(database.transact(lambda session: _resumed(session, settings, email)))


def _resumed(session: Session, settings: Settings, email: str) -> str:
    whom = member(session, email)
    if whom.paused_at is None:
        raise Failed(f"{whom.name} is not paused")
    told = brake.let_go_on(context(session, settings), whom, None)
    said = f"{whom.name} is not paused any more"
    return said if told else f"{said}\nno message reaches them"
