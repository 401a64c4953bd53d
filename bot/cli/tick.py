"""tick: the clock's work once, then the messages that are due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import structlog
import typer
from sqlmodel import Session, col, select

from bot.cli.console import agree, enforces, moment, open_database
from bot.clock import DatabaseClock
from bot.database import Database
from bot.messengers.registry import configured
from bot.settings import Settings
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.gateway_state import unread_end
from models.policy import versions
from models.quota.closing import overdue
from models.quota.period import Period
from models.quota.policy_change import move_on

app = typer.Typer()
log = structlog.get_logger()

# Seconds for sending; the rest goes out with the next tick.
PATIENCE = 60.0
SOON = timedelta(seconds=2)


@app.command()
def tick(
    now: Annotated[str | None, typer.Option(metavar="ISO8601", help="As if it were then.")] = None,
    deliver: Annotated[bool, typer.Option("--deliver", help="With --now: send messages, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Also close more than one period.")] = False,
) -> None:
    """All due work once, then exit. More than one period at once is closed after a yes only."""
    settings = Settings.load()
    with open_database(settings) as database:
        clock = DatabaseClock(database)
        asyncio.run(clock.look())
        at, until, early = database.query(lambda session: _when(session, now, clock()))
        if not early:
            if over := database.query(lambda session: overdue(session, at)):
                agree(f"{until}, so {len(over)} periods would close as of {at.isoformat()}.", yes)
            if deliver or now is None:
                asyncio.run(_read_gateway(settings, database, at))
            while database.transact(lambda session: move_on(session, at, several=True)):
                pass
            asyncio.run(_tick_once(settings, database, at, deliver=deliver or now is None))
            _, until, _ = database.query(lambda session: _when(session, now, at))
    typer.echo(f"{'nothing to do: ' if early else ''}{until}")


def _when(session: Session, typed: str | None, now: datetime) -> tuple[datetime, str, bool]:
    """The moment to work for, a sentence about the open period, and whether that moment is too early for any work."""
    current, period = versions.current(session), Period.latest(session)
    zone = current[1].zone if current else UTC
    at = moment(typed, zone, "--now") if typed else now
    if current is None or period is None:
        return at, "no policy was applied yet", True
    start, end = (one.astimezone(current[1].zone).isoformat() for one in (period.starts_at, period.ends_at))
    return at.astimezone(UTC), f"the open period is {start} – {end}", at < period.starts_at


async def _tick_once(settings: Settings, database: Database, at: datetime, *, deliver: bool) -> None:
    from bot.worker import Worker  # noqa: PLC0415 - every handler comes with it

    live = enforces(settings)
    reachable = bool(configured(settings))
    if not (deliver and reachable):
        await Worker(database, lambda: at, {}, _no_page, live=live).tick(at)
        return
    from bot.app import open_app  # noqa: PLC0415 - the messengers' libraries take a second to load

    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with open_app(settings, lambda: at + timedelta(seconds=loop.time() - begun)) as built:
        await built.worker.tick(at)
        while await built.worker.round() or await built.database.read(_more(built.worker.clock())):
            if loop.time() - begun > PATIENCE:
                return
            await asyncio.sleep(0.1)


async def _read_gateway(settings: Settings, database: Database, at: datetime) -> None:
    # Spend up to now counts for the period that ends, so the gateway is read first.
    if settings.gateway_kind == "none" and settings.gateways_file is None:
        return
    from bot.gateways.configured import configured_gateways  # noqa: PLC0415 - the HTTP library takes a moment to load
    from bot.gateways.operator.access import open_operator  # noqa: PLC0415
    from bot.gateways.operator.links import link  # noqa: PLC0415
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415

    for config in configured_gateways(settings):
        if await database.read(partial(unread_end, now=at, name=config.name)) is None:
            continue
        try:
            async with open_operator(config, database) as operator:
                await link(operator, plan=False)
        except (GatewayError, GatewayRefused) as error:
            log.warning(
                "the period ends without a reading of the gateway", gateway=config.name, reason=str(error)
            )


def _more(now: datetime) -> Callable[[Session], bool]:
    """True if a message is due within seconds: only its channel's pace held it back."""
    due = select(Effect.id).where(
        col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None), Effect.due_at <= now + SOON
    )
    return lambda session: session.exec(due.limit(1)).first() is not None


async def _no_page(_: str) -> Message:
    raise AssertionError("nothing is published without a messenger")
