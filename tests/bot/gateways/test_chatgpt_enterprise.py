"""The ChatGPT Enterprise connector against its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from aiohttp import ClientSession

from bot.gateways.port import GatewayRefused, NoSuchAccount
from bot.gateways.registry import open_gateway
from sandbox.gateways.chatgpt_enterprise import ChatGPTEnterprise
from tests.bot.gateways.conftest import Connect

USD = 1_000_000
KIND = "chatgpt-enterprise"


@pytest.fixture
async def workspace() -> AsyncIterator[ChatGPTEnterprise]:
    async with ChatGPTEnterprise() as standin:
        yield standin


async def test_everybody_comes_once_by_pages_with_usage_and_limit(
    workspace: ChatGPTEnterprise, connect: Connect
) -> None:
    members = [workspace.add_member(f"m{n}@corp.example") for n in range(102)]
    members[0].spent = Decimal("12.3456789")
    pages = [page async for page in connect(KIND, workspace).accounts()]
    assert [len(page) for page in pages] == [100, 2]
    first = pages[0][0]
    assert (first.id, first.email, first.spent, first.total) == (
        "user-001", "m0@corp.example", 12_345_679, 100 * USD
    )  # fmt: skip


async def test_a_limit_is_written_in_cents_and_a_lost_answer_is_no_failure(
    workspace: ChatGPTEnterprise, connect: Connect
) -> None:
    ann, connector = workspace.add_member("ann@corp.example"), connect(KIND, workspace)
    assert connector.holds(12_345_678) == 12_340_000
    workspace.faults.lose_reply()
    assert (await connector.set_total(ann.id, 12_340_000)).total == 12_340_000
    body = {"type": "limited", "limit_amount": {"unit": "usd", "amount": "12.34"}}
    assert workspace.bodies[-1][1] == {"override_monthly_usage_limit": body}
    with pytest.raises(ValueError, match="whole cents"):
        await connector.set_total(ann.id, 1)
    with pytest.raises(NoSuchAccount):
        await connector.account("user-999")


async def test_a_release_takes_the_override_off_where_that_is_what_was_found(
    workspace: ChatGPTEnterprise, connect: Connect
) -> None:
    ann, connector = workspace.add_member("ann@corp.example"), connect(KIND, workspace)
    await connector.set_total(ann.id, 5 * USD)
    assert (await connector.release(ann.id, 100 * USD)).total == 100 * USD
    assert ann.own is None
    assert (await connector.release(ann.id, 7 * USD)).total == 7 * USD
    assert (await connector.release(ann.id, None)).total is None
    assert ann.own == {"type": "unlimited"}


async def test_usage_comes_by_day_and_over_pages(workspace: ChatGPTEnterprise, connect: Connect) -> None:
    day = date(2026, 11, 23)
    at = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp())
    for name in ("ann", "bob", "cat"):
        workspace.add_member(f"{name}@corp.example").days = {at: "1.5", at - 86_400: "9"}
    (rows,) = [page async for page in connect(KIND, workspace).usage(day, day)]
    assert [(one.account, one.day, one.amount) for one in rows] == [
        (f"user-00{n}", day, 1_500_000) for n in (1, 2, 3)
    ]


async def test_what_cannot_be_driven_is_said(http: ClientSession, connect: Connect) -> None:
    with pytest.raises(GatewayRefused, match="WORKSPACE_ID:KEY"):
        open_gateway(KIND, None, "sk-only", http)
    async with ChatGPTEnterprise(unit="credit") as workspace:
        ann = workspace.add_member("ann@corp.example")
        with pytest.raises(GatewayRefused, match="billed in credits"):
            await connect(KIND, workspace).account(ann.id)
