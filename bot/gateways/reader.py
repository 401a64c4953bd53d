"""Reads spend: fetch a page, book it in one transaction, alert its spenders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import partial

import structlog

from bot.gateways.ledger import GatewayLedger
from bot.gateways.port import Gateway, GatewayError, GatewayRefused, NoSuchAccount
from handlers.gateway import alerts, limits, spend
from models.metering.accounts import accounts_of
from models.metering.booking import BookedPage
from models.metering.reading import KeyUsage, Reading

log = structlog.get_logger()

# Members of a page for whom the gateway is asked about models; the others get the ledger's figures only.
MOST_ALERTS = 20

# Missing accounts that are asked for in one round.
MOST_MISSING = 50


class SpendReader:
    """`told`: called after messages were promised."""

    def __init__(
        self, gateway: Gateway, ledger: GatewayLedger, told: Callable[[], None], name: str = ""
    ) -> None:
        self.gateway, self.ledger, self.told, self.name = gateway, ledger, told, name

    async def book(self, page: Sequence[Reading], seen: Collection[str] | None = None) -> BookedPage:
        """Book a page and alert its spenders. `seen`: all account ids, once every page was read."""
        booked = await self.ledger.write("gateway", partial(spend.book_page, page=page, seen=seen))
        if booked is None:
            return BookedPage()
        for number, member in enumerate(booked.spenders):
            key_usage = await self._key_usage(member) if number < MOST_ALERTS else []
            key = f"alert:{member}:{self.ledger.clock().isoformat()}"
            await self.ledger.write(key, partial(alerts.alert, member_id=member, key_usage=key_usage))
        if booked.spenders:
            self.told()
        return booked

    async def account(self, account_id: str) -> Reading | None:
        """One reading; None (and a note) if the gateway does not know the account any more."""
        try:
            return await self.gateway.account(account_id)
        except NoSuchAccount as gone:
            log.warning("an account is missing", account=account_id, reason=str(gone))
            await self.ledger.write("gone", partial(limits.missing, account_id=account_id))
            return None

    async def look_for(self, accounts: Iterable[str]) -> None:
        # Missing from two rounds may still be a shifted page, so each account is asked for by its id.
        for account in list(accounts)[:MOST_MISSING]:
            try:
                found = await self.account(account)
            except (GatewayError, GatewayRefused) as error:
                log.info("a missing account was not read", account=account, reason=str(error))
                return
            if found is not None:
                await self.book([found])

    async def fresh(self, member_id: int) -> None:
        """Read and book one member's accounts, before quota leaves them."""
        found = await asyncio.gather(*map(self.account, await self._accounts(member_id)))
        if page := [one for one in found if one is not None]:
            await self.book(page)

    async def _accounts(self, member_id: int) -> list[str]:
        return await self.ledger.database.read(
            lambda session: [one.id for one in accounts_of(session, member_id, self.name)]
        )

    async def _key_usage(self, member_id: int) -> list[KeyUsage]:
        """The member's usage since yesterday, by model and key; empty if the gateway does not say."""
        today = self.ledger.clock().date()
        found: list[KeyUsage] = []
        try:
            for account in await self._accounts(member_id):
                async for page in self.gateway.usage(today - timedelta(days=1), today, account):
                    found += page
        except (GatewayError, GatewayRefused) as error:
            log.info("usage by model was not read", reason=str(error))
        return found
