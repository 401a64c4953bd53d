"""Asks the gateway for the lists of models that the policy needs, for a fallback and for allocations that name models."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.gateways.ledger import GatewayLedger
from bot.gateways.port import Finding, Gateway, GatewayRefused, ModelLists
from models.metering.gateway_state import GatewayState
from models.metering.ladder import Offer, Patterns, as_kept, wanted_patterns
from models.policy import versions
from models.policy.document import Policy

log = structlog.get_logger()

EVERY = timedelta(hours=1)


class OfferReader:
    def __init__(self, gateway: Gateway, ledger: GatewayLedger, name: str = "") -> None:
        self.gateway, self.ledger, self.name = gateway, ledger, name
        self._asked: tuple[int, datetime] | None = None

    async def read(self) -> None:
        """Before a round: once for a version of the policy, and every hour, as models come and go."""
        current = await self.ledger.database.read(versions.current)
        if current is None or not self._due(current[0]):
            return
        version, policy = current
        if policy.names_models:
            note = partial(GatewayState.note_lists, lists=await self._lists(policy), name=self.name)
            await self.ledger.database.write(note)
        self._asked = version, self.ledger.clock()

    def _due(self, version: int) -> bool:
        return (
            self._asked is None or self._asked[0] != version or self.ledger.clock() - self._asked[1] > EVERY
        )

    async def _lists(self, policy: Policy) -> list[Any] | None:
        """None where the gateway cannot limit models."""
        return as_kept(await offers(self.gateway, policy)) if isinstance(self.gateway, ModelLists) else None


async def preflight(gateway: Gateway, policy: Policy | None) -> list[Finding]:
    """Of the gateway, with what the policy's models need of it. Raises `GatewayError` and `GatewayRefused`."""
    found = await gateway.preflight(policy.free_models if policy else ())
    if policy is None or not policy.names_models or not isinstance(gateway, ModelLists):
        return found
    lists = await offers(gateway, policy)
    return found + (await gateway.ways_around(list(lists.values())) if lists else [])


async def offers(gateway: ModelLists, policy: Policy) -> dict[Patterns, Offer]:
    """What the gateway can do for this policy. Raises `GatewayError`."""
    found: dict[Patterns, Offer] = {}
    for patterns in wanted_patterns(policy):
        try:
            offer = await gateway.offer(patterns)
        except GatewayRefused as no:
            log.warning("the gateway does not say which models it has", reason=str(no))
            return {}
        if offer is not None:
            found[patterns] = offer
    return found
