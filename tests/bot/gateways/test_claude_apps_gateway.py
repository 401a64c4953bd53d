"""The Claude apps gateway connector against its stand-in: the limits of Claude Enterprise at another address, no usage by model."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from aiohttp import ClientSession

from bot.gateways.port import GatewayRefused, NoSuchAccount
from bot.gateways.registry import open_gateway
from sandbox.gateways.claude_apps_gateway import ClaudeAppsGateway
from tests.bot.gateways.conftest import Connect

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USD = 1_000_000


async def test_a_developers_limit_is_read_written_and_put_back(connect: Connect) -> None:
    async with ClaudeAppsGateway(inherited="50000", clock=lambda: NOON) as gateway:
        ann = gateway.add_member("ann@corp.example")
        gateway.burn(ann, "1234.5")
        connector = connect("claude-apps-gateway", gateway, clock=lambda: NOON)
        (page,) = [page async for page in connector.accounts()]
        assert [(one.email, one.spent, one.total) for one in page] == [
            ("ann@corp.example", 12_345_000, 500 * USD)
        ]
        assert (await connector.set_total(ann.id, 20 * USD)).total == 20 * USD
        assert (await connector.release(ann.id, 500 * USD)).total == 500 * USD
        assert gateway.amount(ann) == "50000"  # the organization's again
        with pytest.raises(NoSuchAccount):
            await connector.account("user_nobody")


async def test_no_report_of_costs_is_asked_for_and_preflight_says_so(connect: Connect) -> None:
    async with ClaudeAppsGateway(clock=lambda: NOON) as gateway:
        connector, day = connect("claude-apps-gateway", gateway, clock=lambda: NOON), date(2026, 11, 23)
        assert [page async for page in connector.usage(day, day)] == []
        assert "no_usage_by_model" in [one.code for one in await connector.preflight()]
        assert not [route for route in gateway.calls if "analytics" in route]


async def test_it_has_no_address_of_its_own(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match="needs GATEWAY_URL"):
        open_gateway("claude-apps-gateway", None, "key", http)
