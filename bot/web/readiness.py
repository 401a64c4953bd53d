"""Readiness: a write succeeds, a messenger is connected, and a leader drives an enforced gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime

from bot.database import Database
from bot.messengers.port import Messenger
from models.messages import receipt
from models.metering.gateway_state import GatewayState

# Seconds for the write.
WITHIN = 1.0
# Seconds for which a result holds: many probes cost one write.
KEPT = 1.0


class Readiness:
    """`enforced`: the gateways whose limits are written, so that each needs a leader; the one of the settings is ""."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        messengers: dict[str, Messenger],
        *,
        enforced: Collection[str],
    ) -> None:
        self.database, self.clock, self.messengers, self.enforced = database, clock, messengers, enforced
        self._found: tuple[float, dict[str, bool]] = (0.0, {})

    async def look(self) -> tuple[bool, dict[str, bool]]:
        """The verdict, and each finding by name."""
        at, found = self._found
        if not found or time.monotonic() - at > KEPT:
            found = {"database": await self._writes()}
            if self.enforced:
                found["gateway_leader"] = found["database"] and await self._is_led()
            self._found = time.monotonic(), found
        connected = {name: one.ready() for name, one in self.messengers.items()}
        well = all(found.values()) and (not connected or any(connected.values()))
        return well, found | connected

    async def _writes(self) -> bool:
        now = self.clock()
        try:
            await self.database.write(lambda session: receipt.probe(session, now), within=WITHIN)
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be written
            return False
        return True

    async def _is_led(self) -> bool:
        now = self.clock()
        try:
            return await self.database.read(
                lambda session: all(GatewayState.as_read(session, one).leased(now) for one in self.enforced)
            )
        except Exception:  # noqa: BLE001 - not known is not led
            return False
