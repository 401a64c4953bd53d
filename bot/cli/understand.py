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
) -> None:
    """One sentence a line on stdin → what was understood, one JSON a line. Needs no database."""
    from handlers.language import understanding  # noqa: PLC0415 - only this command needs its patterns

    today = datetime.now().astimezone().date()
    for line in sys.stdin:
        sentence = line.rstrip("\r\n")
        found = understanding.printed(understanding.understand(sentence, locale.value, today=today))
        how = {"explain": understanding.explained(sentence, today)} if explain else {}
        typer.echo(json.dumps(found | how, ensure_ascii=False))
