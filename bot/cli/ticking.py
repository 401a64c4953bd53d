"""What `tick` does with the messengers: the clock's work once, then what is due is sent, when it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from bot.database import Database
from bot.settings import Settings
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.gateway_state import unread_end

log = structlog.get_logger()

PATIENCE = 60.0
"""Seconds that sending may take; what is left goes out with the next tick."""
SOON = timedelta(seconds=2)


async def tick_once(settings: Settings, database: Database, at: datetime, *, deliver: bool) -> None:
    """All work due at `at`; with `deliver`, and a messenger configured, also everything that is to be said."""
    from bot.worker import Worker  # noqa: PLC0415 - every handler comes with it

    live = settings.gateway_kind != "none" and settings.gateway_mode == "enforce"
    reachable = settings.slack_bot_token is not None or settings.dingtalk_client_id is not None
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


async def read_gateway(settings: Settings, database: Database, at: datetime) -> None:
    """What was spent till now counts for the period that ends: the gateway is read before, where it can be."""
    if (
        settings.gateway_kind == "none"
        or await database.read(lambda session: unread_end(session, at)) is None
    ):
        return
    from bot.gateways.operator.access import CannotDo, open_operator  # noqa: PLC0415 - the HTTP library takes a moment to load
    from bot.gateways.operator.links import link  # noqa: PLC0415
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415

    try:
        async with open_operator(settings, database) as operator:
            await link(operator, plan=False)
    except (CannotDo, GatewayError, GatewayRefused) as error:
        log.warning("the period ends without a reading of the gateway", reason=str(error))


def _more(now: datetime) -> Callable[[Session], bool]:
    """Whether something is due soon: it was held back only by the pace of its channel."""
    due = select(Effect.id).where(
        col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None), Effect.due_at <= now + SOON
    )
    return lambda session: session.exec(due.limit(1)).first() is not None


async def _no_page(_: str) -> Message:
    raise AssertionError("nothing is published without a messenger")
