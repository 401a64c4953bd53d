"""`quotabot doctor`: one line a check, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from bot.cli.console import check_url
from bot.cli.errors import Failed
from bot.cli.output import as_json
from bot.database import Database
from bot.doctor.check import Check, wrong
from bot.settings import Settings
from models.policy import versions
from models.policy.document import Policy

app = typer.Typer()


@app.command()
def doctor(json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Check everything that can be checked from here, and say how to mend it. Exit 1 when something is wrong."""
    found = asyncio.run(_examine(Settings.load()))
    if json:
        as_json([asdict(one) for one in found])
    else:
        for one in found:
            typer.echo(one.line)
    if any(one.status == "wrong" for one in found):
        raise typer.Exit(1)


async def _examine(settings: Settings) -> list[Check]:
    from bot.doctor.settings import check_port, check_settings  # noqa: PLC0415 - only this command needs them

    found = [*check_settings(settings, Path(".env")), *check_port(settings)]
    found += await asyncio.to_thread(lambda: list(_books(settings)))
    return found + [one async for one in _connections(settings)]


def _books(settings: Settings) -> Iterator[Check]:
    from bot.doctor.books import check_database, check_file  # noqa: PLC0415

    try:
        check_url(settings.database_url)
        yield from check_file(settings.database_url)
        database = Database(settings.database_url)
    except Failed as error:
        yield wrong("DATABASE_URL", str(error), "see .env.example")
        return
    try:
        yield from check_database(database, datetime.now(UTC))
    except DBAPIError as error:
        yield wrong("database", " ".join(str(error.orig).split())[:200], "look at DATABASE_URL")
    finally:
        database.close()


async def _connections(settings: Settings) -> AsyncIterator[Check]:
    import aiohttp  # noqa: PLC0415

    from bot.doctor.connections import check_dingtalk, check_gateway, check_slack  # noqa: PLC0415

    async with aiohttp.ClientSession() as http:
        for checks in (
            check_slack(settings, http),
            check_dingtalk(settings, http),
            check_gateway(settings, http, _policy(settings)),
        ):
            async for one in checks:
                yield one


def _policy(settings: Settings) -> Policy | None:
    database = Database(settings.database_url)
    try:
        current = database.query(versions.current)
    except DBAPIError:
        return None
    finally:
        database.close()
    return current[1] if current else None
