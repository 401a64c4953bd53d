"""A gateway that counts by the month and sometimes cannot say: Claude Enterprise through the reconciler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from handlers import lending
from models.quota.wallet import Wallet, wallet_of
from sandbox.gateways.claude_enterprise import ClaudeEnterprise, Member
from tests.actions import say
from tests.company import NOW, who

USD = 1_000_000


class Month:
    """A town whose members have seats, each with what its tier allows, and the reconciler between them."""

    def __init__(self, database: Database, gateway: ClaudeEnterprise, http: aiohttp.ClientSession) -> None:
        self.database, self.gateway, self.http, self.now = database, gateway, http, NOW
        self.alice, self.bob = (gateway.add_member(f"{name}@corp.example") for name in ("alice", "bob"))

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def reconciler(self) -> Reconciler:
        opened = open_gateway(
            "claude-enterprise", self.gateway.url, self.gateway.key, self.http, clock=self.tick,
            calls_per_minute=10**6,
        )  # fmt: skip
        return Reconciler(self.database, opened, self.tick, enforce=True)

    def limit(self, member: Member) -> str | None:
        return self.gateway.amount(member)

    def wallet(self, name: str) -> Wallet:
        return self.database.transact(lambda session: wallet_of(session, who(session, name).id))


@pytest.fixture
async def month(company: Database) -> AsyncIterator[Month]:
    async with ClaudeEnterprise(clock=lambda: NOW) as gateway, aiohttp.ClientSession() as http:
        yield Month(company, gateway, http)


async def test_a_limit_is_what_was_spent_in_the_month_and_what_is_available(month: Month) -> None:
    loop = month.reconciler()
    month.gateway.burn(month.alice, "250.5")
    await loop.round()
    assert month.limit(month.alice) == "10250", "whole cents, never more than there is"
    month.gateway.burn(month.alice, "2000")
    await loop.round()
    assert (month.wallet("alice").used, month.limit(month.alice)) == (20 * USD, "10250")
    say(month.database, lending.lend, "alice", "bob", 30 * USD, now=month.tick(), live=True)
    await loop.changes()
    assert [body["amount"] for _, body in month.gateway.bodies[-2:]] == ["7250", "13000"]


async def test_a_counter_that_reads_nought_all_day_books_nothing_twice_and_moves_no_limit(
    month: Month,
) -> None:
    await (loop := month.reconciler()).round()
    month.gateway.burn(month.alice, "3000")
    await loop.round()
    month.gateway.unavailable.add(month.alice.id)
    again = month.reconciler()
    for _ in range(4):
        await again.round()
    assert month.limit(month.alice) == "10000"
    month.gateway.unavailable.clear()
    month.gateway.burn(month.alice, "100")
    await again.round()
    assert (month.wallet("alice").used, month.limit(month.alice)) == (31 * USD, "10000")


@pytest.mark.parametrize("spent", ["0", "200"])
async def test_a_new_month_counts_from_nought_and_mints_nothing(month: Month, spent: str) -> None:
    await (loop := month.reconciler()).round()
    month.gateway.burn(month.alice, "3000")
    await loop.round()
    month.now = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    month.gateway.reset()
    month.gateway.burn(month.alice, spent)
    for _ in range(3):
        await loop.round()
    assert month.wallet("alice").used == 30 * USD + int(spent) * 10_000
    assert month.limit(month.alice) == "7000"
