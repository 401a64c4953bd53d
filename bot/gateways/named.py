"""One gateway of several: its ids begin with its name, so that two gateways may both know `alice@corp.example`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import date

from bot.gateways.port import Finding, Gateway, ModelLists
from models.metering.ladder import Offer, Patterns
from models.metering.model_list import Words
from models.metering.reading import KeyUsage, Reading


class Named:
    """A gateway of GATEWAYS_FILE, seen from the ledger."""

    def __init__(self, name: str, gateway: Gateway) -> None:
        self.name, self._gateway = name, gateway
        self.family, self.per_key = gateway.family, gateway.per_key
        self.calls_per_minute = gateway.calls_per_minute

    def _here(self, reading: Reading) -> Reading:
        return replace(reading, id=f"{self.name}:{reading.id}", gateway=self.name)

    def _there(self, account: str) -> str:
        return account.removeprefix(f"{self.name}:")

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        async for page in self._gateway.accounts():
            yield [self._here(one) for one in page]

    async def account(self, id: str) -> Reading:  # noqa: A002
        return self._here(await self._gateway.account(self._there(id)))

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        return self._here(await self._gateway.set_total(self._there(id), total))

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        return self._here(await self._gateway.release(self._there(id), found))

    def holds(self, total: int) -> int:
        return self._gateway.holds(total)

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """A model is named with the gateway: the same model at two gateways is two figures."""
        async for page in self._gateway.usage(since, until, self._there(account)):
            yield [
                replace(
                    one,
                    account=one.account and f"{self.name}:{one.account}",
                    model=one.model and f"{one.model} ({self.name})",
                )
                for one in page
            ]

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        return await self._gateway.preflight(free_models)

    async def free_models(self, names: Collection[str]) -> set[str]:
        return await self._gateway.free_models(names)


class NamedWithLists(Named):
    """The same of a gateway that can limit models."""

    def __init__(self, name: str, gateway: Gateway) -> None:
        super().__init__(name, gateway)
        assert isinstance(gateway, ModelLists)
        self._lists = gateway

    async def offer(self, patterns: Patterns) -> Offer | None:
        return await self._lists.offer(patterns)

    async def set_models(self, id: str, words: Words) -> Reading:  # noqa: A002
        return self._here(await self._lists.set_models(self._there(id), words))

    async def ways_around(self, offers: Collection[Offer]) -> list[Finding]:
        return await self._lists.ways_around(offers)


def named(name: str, gateway: Gateway) -> Named:
    return NamedWithLists(name, gateway) if isinstance(gateway, ModelLists) else Named(name, gateway)
