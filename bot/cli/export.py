"""export: one of the books as CSV or JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer

from bot.cli.console import day, member, open_database, style_in_force
from bot.cli.output import as_json
from bot.database import Database
from bot.rows import csv_lines, json_lines
from models.quota.chain import head
from models.reports.books import BOOKS, Book
from models.reports.person import own_data
from models.reports.style import Row, Style

app = typer.Typer()


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


class BookName(StrEnum):
    AUDIT = "audit"
    LEDGER = "ledger"
    LOANS = "loans"
    REQUESTS = "requests"
    USAGE = "usage"
    MEMBER = "member"


@dataclass(frozen=True)
class _Export:
    book: Book
    style: Style
    since: date | None

    def rows(self, database: Database) -> Iterator[Row]:
        # Each page is a short transaction of its own, because the reader of a pipe may be slow.
        after: Any = None
        while True:
            page, after = database.query(
                partial(self.book.page, style=self.style, since=self.since, after=after)
            )
            if not page:
                return
            yield from page


@app.command("export")
def export_(
    what: Annotated[BookName, typer.Argument()],
    email: Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="Of the member.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="csv is safe to open in a spreadsheet.")
    ] = Format.CSV,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="From this day on.")] = None,
) -> None:
    """Everything of a kind, to stdout; of one member as JSON."""
    if (what is BookName.MEMBER) != (email is not None):
        raise typer.BadParameter("it is `export member EMAIL`", param_hint="EMAIL")
    if email is not None:
        with open_database() as database:
            as_json(database.query(lambda session: own_data(session, member(session, email))))
        return
    book, first = BOOKS[what], day(since, "--since")
    with open_database() as database:
        rows = _Export(book, database.query(style_in_force), first).rows(database)
        for line in json_lines(rows) if format_ is Format.JSONL else csv_lines(book.columns, rows):
            typer.echo(line, nl=False)
        if what is BookName.AUDIT and (sealed := database.query(head)):
            typer.echo(sealed.line, err=True)
