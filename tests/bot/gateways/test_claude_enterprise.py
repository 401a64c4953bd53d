"""The Claude Enterprise connector against its stand-in, and the traps of its figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from bot.gateways.port import Finding, Gateway, GatewayRefused, NoSuchAccount
from models.metering.reading import KeyUsage, Reading
from sandbox.gateways.claude_enterprise import ClaudeEnterprise
from tests.bot.gateways.conftest import Connect

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USD = 1_000_000


@pytest.fixture
async def gateway() -> AsyncIterator[ClaudeEnterprise]:
    async with ClaudeEnterprise(clock=lambda: NOON) as standin:
        yield standin


def to(gateway: ClaudeEnterprise, connect: Connect) -> Gateway:
    return connect("claude-enterprise", gateway, clock=lambda: NOON)


async def everybody(connector: Gateway) -> list[Reading]:
    return [account async for page in connector.accounts() for account in page]


async def test_cents_with_three_decimals_are_read_exactly(
    gateway: ClaudeEnterprise, connect: Connect
) -> None:
    ann = gateway.add_member("ann@corp.example")
    gateway.burn(ann, "12050.125")
    found = await to(gateway, connect).account(ann.id)
    assert (found.spent, found.total) == (120_501_250, 1_000 * USD)
    assert (found.email, found.window, found.unsure) == ("ann@corp.example", "monthly 2026-11-01", False)


async def test_everybody_comes_once_by_pages_and_the_deleted_do_not(
    gateway: ClaudeEnterprise, connect: Connect
) -> None:
    members = [gateway.add_member(f"m{n}@corp.example") for n in range(230)]
    members[7].deleted = True
    gateway.edit(members[3], "500", period="daily")
    found = [one.id for one in await everybody(to(gateway, connect))]
    assert found == [one.id for one in members if not one.deleted]
    assert gateway.calls["GET /v1/organizations/spend_limits/effective"] == 3


async def test_a_limit_is_whole_cents_of_the_month_and_leaves_the_day_alone(
    gateway: ClaudeEnterprise, connect: Connect
) -> None:
    ann, connector = gateway.add_member("ann@corp.example"), to(gateway, connect)
    gateway.edit(ann, "700", period="daily")
    assert connector.holds(12_345_678) == 12_340_000
    assert (await connector.set_total(ann.id, 12_340_000)).total == 12_340_000
    assert (await connector.set_total(ann.id, 0)).total == 0
    assert [body["amount"] for _, body in gateway.bodies] == ["1234", "0"]
    assert (gateway.amount(ann), gateway.amount(ann, "daily")) == ("0", "700")
    for wrong in (-CENT, 5):
        with pytest.raises(ValueError, match="whole cents"):
            await connector.set_total(ann.id, wrong)


CENT = 10_000


async def test_a_lost_reply_is_found_out_by_reading(gateway: ClaudeEnterprise, connect: Connect) -> None:
    ann = gateway.add_member("ann@corp.example")
    gateway.faults.lose_reply("POST /v1/organizations/spend_limits")
    assert (await to(gateway, connect).set_total(ann.id, 5 * USD)).total == 5 * USD


async def test_a_release_lets_what_is_inherited_count_again_or_writes_what_was_found(
    gateway: ClaudeEnterprise, connect: Connect
) -> None:
    ann, connector = gateway.add_member("ann@corp.example"), to(gateway, connect)
    await connector.set_total(ann.id, 5 * USD)
    assert (await connector.release(ann.id, 1_000 * USD)).total == 1_000 * USD
    assert not ann.own, "inherited, as before"
    await connector.set_total(ann.id, 5 * USD)
    assert (await connector.release(ann.id, 40 * USD)).total == 40 * USD
    assert (await connector.release(ann.id, None)).total is None
    assert ann.own["monthly"].amount is None


async def test_an_unknown_member_is_no_account(gateway: ClaudeEnterprise, connect: Connect) -> None:
    gone = gateway.add_member("gone@corp.example", deleted=True)
    for wrong in ("user_9999", gone.id):
        with pytest.raises(NoSuchAccount):
            await to(gateway, connect).account(wrong)


async def test_an_organization_billed_in_another_currency_is_refused(connect: Connect) -> None:
    async with ClaudeEnterprise(currency="EUR") as gateway:
        gateway.add_member("ann@corp.example")
        with pytest.raises(GatewayRefused, match="billed in EUR"):
            await everybody(to(gateway, connect))


async def test_usage_is_by_member_day_and_model_over_all_pages(
    gateway: ClaudeEnterprise, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.gateways.claude_enterprise.MOST_ROWS", 2)
    ann, bob = (gateway.add_member(f"{name}@corp.example") for name in ("ann", "bob"))
    for member, cents, model in ((ann, "0.4", "a"), (ann, "7", "b"), (bob, "9", "a"), (ann, "0.1", "a")):
        gateway.burn(member, cents, model=model)
    day = NOON.date()
    read = to(gateway, connect)
    rows = [row async for page in read.usage(date(2026, 11, 1), day) for row in page]
    assert rows == [
        KeyUsage(ann.id, day, "a", 5_000), KeyUsage(ann.id, day, "b", 70_000), KeyUsage(bob.id, day, "a", 90_000),
    ]  # fmt: skip
    assert [row.account async for page in read.usage(day, day, bob.id) for row in page] == [bob.id]
    assert [page async for page in read.usage(date(2026, 11, 1), date(2026, 11, 22))] == []


async def test_preflight_names_shorter_limits_and_models_that_cost(
    gateway: ClaudeEnterprise, connect: Connect
) -> None:
    ann = gateway.add_member("ann@corp.example")
    gateway.edit(ann, "2550", period="weekly")
    assert await to(gateway, connect).preflight(["hunyuan"]) == [
        Finding(
            "shorter_limits", "DELETE /v1/organizations/spend_limits/{id}", ("ann@corp.example",),
            {"ann@corp.example": "25.5 weekly"},
        ),
        Finding("model_not_free", "", ("hunyuan",)),
    ]  # fmt: skip
