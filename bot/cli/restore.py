"""`restore`: a checked copy in the place of the SQLite database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.backup import Copy, Unsound, checked, put_back
from bot.cli.backup import sqlite_path
from bot.cli.console import agree, open_database
from bot.cli.errors import Failed
from bot.one_run import AlreadyRunning, only_run
from bot.settings import Settings
from models.metering.gateway_state import GatewayState
from models.metering.reading import MICRO

if TYPE_CHECKING:
    from bot.gateways.port import Gateway

app = typer.Typer()


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Put a copy that `quotabot backup` made in the place of the SQLite database. Stop `quotabot run` first."""
    settings, now = Settings.load(), datetime.now(UTC)
    live = sqlite_path(settings, file)
    if file.resolve() == live.resolve():
        raise Failed(f"{file} is the database itself")
    try:
        with checked(file, live) as (new, found):
            last = found.last.isoformat(timespec="seconds") if found.last else "none"
            typer.echo(f"{file} is sound: {found.transfers} transfers, the last one {last}")
            for line in asyncio.run(_against_gateway(settings, found)):
                typer.echo(line)
            agree(f"{live} would be replaced; what was written since the copy is lost.", yes)
            kept = _in_place(settings, new, live, now)
    except Unsound as error:
        raise Failed(f"{error}. Nothing was changed.") from error
    typer.echo(f"{live} is restored{f'; what was there is kept as {kept}' if kept else ''}")


def _in_place(settings: Settings, new: Path, live: Path, now: datetime) -> Path | None:
    """Put the copy in place, unless a bot runs on the database; the gateway's limits are then held against it."""
    try:
        with only_run(settings.database_url):
            kept = put_back(new, live, now)
    except AlreadyRunning:
        raise Failed(f"`quotabot run` is using {live}: stop it first. Nothing was changed.") from None
    with open_database(settings) as database:
        database.transact(lambda session: GatewayState.note_restored(session, now))
    return kept


async def _against_gateway(settings: Settings, found: Copy) -> list[str]:
    """Spend that the gateway counts beyond the copy, as lines.

    An unreachable gateway is reported and stops nothing.
    """
    if settings.gateway_kind == "none" and settings.gateways_file is None:
        return []
    import aiohttp  # noqa: PLC0415 - the HTTP library takes a moment to load

    from bot.gateways.configured import configured_gateways  # noqa: PLC0415
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415

    lines = []
    for config in configured_gateways(settings):
        try:
            async with aiohttp.ClientSession() as http:
                lines += await _beyond(config.open(http), found, f"the gateway {config.name}".strip())
        except (GatewayError, GatewayRefused, aiohttp.ClientError, TimeoutError) as error:
            lines.append(f"{f'the gateway {config.name}'.strip()} was not compared: {error}")
    return lines


async def _beyond(gateway: Gateway, found: Copy, called: str) -> list[str]:
    ahead = unknown = beyond = 0
    async for page in gateway.accounts():
        for one in page:
            more = one.spent - found.counters.get(one.id, one.spent)
            ahead, beyond = ahead + (more > 0), beyond + max(0, more)
            unknown += one.id not in found.counters
    lines = [f"{called} counts {beyond / MICRO:.2f} USD more than the copy, at {ahead} accounts"]
    if unknown:
        lines.append(f"{unknown} accounts at {called} are not in the copy")
    if ahead or unknown:
        lines.append(
            "start with GATEWAY_MODE=observe: spend since the copy is booked then; grants since are not in it"
        )
    return lines
