"""`understand`: sentences on stdin, commands on stdout."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer()


class Locale(StrEnum):
    EN = "en"
    ZH = "zh"


@app.command()
def understand(
    locale: Annotated[Locale, typer.Option(help="Of who speaks; both languages are understood.")] = Locale.EN,
    explain: Annotated[bool, typer.Option(help="Also how each sentence was read.")] = False,
    learned: Annotated[
        bool,
        typer.Option(
            "--learned", help="What at least three people wrote and nobody understood; reads no stdin."
        ),
    ] = False,
) -> None:
    """One sentence a line on stdin → what was understood, one JSON a line. Needs no database, except for `--learned`."""
    if learned:
        _list_learned()
        return
    from handlers.language import understanding  # noqa: PLC0415 - most commands need none of its patterns

    today = datetime.now().astimezone().date()
    for line in sys.stdin:
        sentence = line.rstrip("\r\n")
        found = understanding.printed(understanding.understand(sentence, locale.value, today=today))
        how = {"explain": understanding.explained(sentence, today)} if explain else {}
        typer.echo(json.dumps(found | how, ensure_ascii=False))


def _list_learned() -> None:
    """A line each, in the form of the corpus: `t` with signs, `i` the button that was pressed most, or none."""
    from bot.cli.console import open_database  # noqa: PLC0415 - sentences alone need no database
    from models.messages.skeleton import seen  # noqa: PLC0415

    with open_database() as database:
        for one in database.query(seen):
            row = {
                "t": one.text,
                "i": next(iter(one.labels), None),
                "pressed": one.labels,
                "since": str(one.since),
            }
            typer.echo(json.dumps(row, ensure_ascii=False))
