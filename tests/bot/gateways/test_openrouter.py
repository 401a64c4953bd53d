"""The OpenRouter connector against its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.gateways.port import Gateway, GatewayError, NoSuchAccount
from models.metering.reading import KeyUsage, Reading
from sandbox.gateways.openrouter import OpenRouter
from sandbox.gateways.stand_in import Refusal
from tests.bot.gateways.conftest import Connect

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()


@pytest.fixture
async def gateway() -> AsyncIterator[OpenRouter]:
    async with OpenRouter(clock=lambda: NOW) as standin:
        yield standin


async def everybody(connector: Gateway) -> list[Reading]:
    return [account async for page in connector.accounts() for account in page]


async def used(
    connector: Gateway, since: date = TODAY, until: date = TODAY, account: str = ""
) -> list[KeyUsage]:
    return [row async for page in connector.usage(since, until, account) for row in page]


async def test_keys_are_listed_once_though_new_ones_shift_the_pages(
    gateway: OpenRouter, connect: Connect
) -> None:
    keys = [gateway.add_key(f"k{n}") for n in range(250)]
    keys[7].disabled = True
    gateway.faults.meanwhile("GET /keys", lambda: gateway.add_key("new"))
    found = await everybody(connect("openrouter", gateway))
    assert len(found) == len({one.id for one in found})
    assert {one.id for one in found} >= {key.hash for key in keys}
    assert [one.name for one in found if one.blocked] == ["k7"]
    assert gateway.calls["GET /keys"] == 3


@pytest.mark.parametrize(
    ("period", "window"),
    [
        (None, ""),
        ("daily", "daily 2026-11-25"),
        ("weekly", "weekly 2026-11-23"),
        ("monthly", "monthly 2026-11-01"),
    ],
)
async def test_spent_is_what_the_limit_counts(
    gateway: OpenRouter, connect: Connect, period: str | None, window: str
) -> None:
    key = gateway.add_key("ann@corp.example", limit_reset=period, limit=10.0)
    connector = connect("openrouter", gateway, clock=lambda: NOW)
    gateway.spend(key, 1.5, byok=0.25)
    found = await connector.account(key.hash)
    assert (found.spent, found.total, found.window, found.as_of) == (1_500_000, 10_000_000, window, NOW)
    key.include_byok_in_limit = True
    assert (await connector.account(key.hash)).spent == 1_750_000
    if period:
        gateway.reset(period)
        assert (await connector.account(key.hash)).spent == 0
        assert key.usage == 1.5


async def test_hints_for_linking_come_from_the_key_and_the_organization(
    gateway: OpenRouter, connect: Connect
) -> None:
    gateway.members = {"user_1": "lee@corp.example"}
    gateway.add_key("ann@corp.example", creator_user_id="user_1")
    gateway.add_key("laptop", external_user="bob@corp.example", creator_user_id="user_9")
    bob, ann = await everybody(connect("openrouter", gateway))
    assert (ann.email, ann.owner) == ("ann@corp.example", "lee@corp.example")
    assert (bob.email, bob.owner, bob.name) == ("bob@corp.example", "user_9", "laptop")


async def test_a_write_is_the_limit_alone_and_is_read_back(gateway: OpenRouter, connect: Connect) -> None:
    key = gateway.add_key("ann", limit_reset="monthly")
    connector = connect("openrouter", gateway)
    assert (await connector.set_total(key.hash, 12_340_000)).total == 12_340_000
    assert (await connector.set_total(key.hash, 0)).total == 0
    assert gateway.bodies == [
        ("PATCH /keys/{hash}", {"limit": 12.34}),
        ("PATCH /keys/{hash}", {"limit": 0.0}),
    ]
    with pytest.raises(Refusal):
        gateway.spend(key, 0.01)
    with pytest.raises(ValueError, match="negative"):
        await connector.set_total(key.hash, -1)
    assert (await connector.release(key.hash, None)).total is None
    assert (await connector.release(key.hash, 3_000_000)).total == 3_000_000
    with pytest.raises(NoSuchAccount):
        await connector.account("f" * 64)


async def test_a_lost_reply_is_found_out_by_reading_and_a_lost_request_is_an_error(
    gateway: OpenRouter, connect: Connect
) -> None:
    key, connector = gateway.add_key("ann"), connect("openrouter", gateway)
    gateway.faults.lose_reply("PATCH /keys/{hash}")
    assert (await connector.set_total(key.hash, 5_000_000)).total == 5_000_000
    gateway.faults.lose_request("PATCH /keys/{hash}")
    with pytest.raises(GatewayError):
        await connector.set_total(key.hash, 6_000_000)
    assert key.limit == 5.0
    gateway.faults.meanwhile("PATCH /keys/{hash}", lambda: gateway.edit(key, None))
    with pytest.raises(GatewayError, match="read back None"):
        await connector.set_total(key.hash, 6_000_000)


async def test_usage_of_a_hundred_keys_is_one_query(gateway: OpenRouter, connect: Connect) -> None:
    keys = [gateway.add_key(f"k{n}") for n in range(90)]
    gateway.add_key("never used")
    for key in keys:
        gateway.spend(key, 0.5)
    gateway.spend(keys[0], 0.25, model="z-ai/glm-5", byok=4.0)
    rows = await used(connect("openrouter", gateway))
    assert len(rows) == 91
    assert sum(row.amount for row in rows) == 45_250_000
    assert gateway.calls["POST /analytics/query"] == 1
    (glm,) = [row for row in rows if row.model == "z-ai/glm-5"]
    assert glm == KeyUsage(keys[0].hash, TODAY, "z-ai/glm-5", 250_000, "k0", 100, 50, 1)


async def test_keys_of_one_name_are_told_apart(gateway: OpenRouter, connect: Connect) -> None:
    keys = [gateway.add_key("laptop") for _ in range(3)]
    for n, key in enumerate(keys):
        gateway.spend(key, n + 1.0)
    rows = await used(connect("openrouter", gateway))
    assert {row.account: row.amount for row in rows} == {
        key.hash: (n + 1) * 10**6 for n, key in enumerate(keys)
    }


async def test_rows_that_are_cut_off_are_asked_for_in_halves(connect: Connect) -> None:
    async with OpenRouter(clock=lambda: NOW, most_rows=3) as gateway:
        keys = [gateway.add_key(f"k{n}") for n in range(5)]
        for key in keys:
            gateway.spend(key, 1.0, model="a")
            gateway.spend(key, 1.0, model="b")
        connector = connect("openrouter", gateway)
        assert sum(row.amount for row in await used(connector, TODAY - timedelta(days=2))) == 10**7
        assert gateway.calls["POST /analytics/query"] == 9
        gateway.spend(keys[0], 1.0, model="c")
        gateway.spend(keys[0], 1.0, model="d")
        with pytest.raises(GatewayError, match="rows for one key and day"):
            await used(connector, TODAY - timedelta(days=1))


async def test_without_analytics_completed_days_come_key_by_key(connect: Connect) -> None:
    clock = [NOW]
    async with OpenRouter(clock=lambda: clock[0], analytics=False) as gateway:
        ann, bob = gateway.add_key("ann"), gateway.add_key("bob", include_byok_in_limit=True)
        gateway.spend(ann, 1.0)
        gateway.spend(bob, 2.0, byok=0.5)
        connector = connect("openrouter", gateway, clock=lambda: clock[0])
        assert await used(connector) == []  # today is not over
        clock[0] += timedelta(days=1)
        rows = await used(connector, TODAY, TODAY + timedelta(days=1))
        assert {row.account: (row.amount, row.day) for row in rows} == {
            ann.hash: (1_000_000, TODAY),
            bob.hash: (2_500_000, TODAY),
        }
        assert gateway.calls["POST /analytics/query"] == 1
        assert [row.account for row in await used(connector, TODAY, TODAY, account=bob.hash)] == [bob.hash]


async def test_preflight_names_windows_guardrails_and_other_workspaces(
    gateway: OpenRouter, connect: Connect
) -> None:
    connector = connect("openrouter", gateway)
    gateway.add_key("plain")
    assert await connector.preflight() == []
    key = gateway.add_key("ann", limit_reset="monthly", expires_at="2027-01-01T00:00:00Z")
    gateway.guardrails = [{"name": "interns", "limit_usd": 20.0}, {"name": "models only", "limit_usd": None}]
    gateway.workspaces.append({"id": "w2", "name": "Research"})
    findings = {one.code: one for one in await connector.preflight(["qwen/qwen3:free"])}
    assert findings["guardrails"].facts == {"interns": "20.0"}
    assert {code: one.subjects for code, one in findings.items()} == {
        "window_set": (key.hash,),
        "key_expires": (key.hash,),
        "guardrails": ("interns",),
        "other_workspaces": ("Research",),
        "model_not_free": ("qwen/qwen3:free",),
    }
