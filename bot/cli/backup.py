"""`backup`, and its parts that `restore` also uses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.actor import acting_user
from bot.backup import copy_to, sqlite_file
from bot.cli.console import agree, check_url, open_database, seal_all
from bot.cli.errors import Failed
from bot.settings import Settings
from models.quota.chain import head
from models.reports.backup import record_backup

app = typer.Typer()

POSTGRES = (
    "this is for SQLite. On Postgres: pg_dump --format=custom --file {file}, or the continuous backup that you have "
    "(pg_basebackup and archived WAL); back with pg_restore, then `quotabot audit` and `quotabot audit --chain`"
)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace FILE without asking.")] = False,
) -> None:
    """Copy the SQLite database to FILE while the bot runs; only its owner can read the copy."""
    settings = Settings.load()
    live = sqlite_path(settings, file)
    if file.resolve() == live.resolve():
        raise Failed(f"{file} is the database itself")
    if file.is_dir():
        raise Failed(f"{file} is a folder; name a file in it")
    if file.exists():
        agree(f"{file} is there already and would be replaced.", yes)
    with open_database(settings) as database:
        seal_all(database)
        copy_to(live, file)
        database.transact(lambda session: record_backup(session, datetime.now(UTC), acting_user()))
        sealed = database.query(head)
    typer.echo(f"{file}: {file.stat().st_size} bytes")
    if sealed:
        typer.echo(sealed.line)


def sqlite_path(settings: Settings, file: Path) -> Path:
    """The file of the configured database. Raises `Failed` for Postgres and for a database in memory."""
    check_url(settings.database_url)
    live = sqlite_file(settings.database_url)
    if live is None:
        raise Failed(POSTGRES.format(file=file))
    return live
