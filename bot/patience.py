"""Time limits of a request. Tests on a busy machine use longer ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """In seconds. `commit`: a request that has not committed by then is rolled back; Slack gives up at three.

    `read`: reading a profile or the gateway's spend, before the transaction. `click`: after that, DingTalk
    (which gives up at two) may not show the answer to a click. `card`: reading a card's new state after the
    decision.
    """

    commit: float = 2.0
    read: float = 0.8
    click: float = 1.8
    card: float = 0.5


async def in_time(reading: Awaitable[T], seconds: float) -> T | None:
    """The result within `seconds`, or None. Callers must not allow anything because of a None."""
    try:
        return await asyncio.wait_for(reading, seconds)
    except Exception as error:  # noqa: BLE001 - whatever a vendor does, it is "not read"
        log.warning("not read in time", error=f"{type(error).__name__}: {error}")
        return None
