"""Replicas, periods and policies change, and the limits follow."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from bot.database import Database
from bot.messengers.port import MessengerError
from handlers import lending
from models.metering.gateway_state import GatewayState
from models.policy import versions
from sandbox.gateways.litellm import LiteLLM
from tests.company import NOW, POLICY, settle_company, who
from tests.gateway_env import USD, GatewayEnv, until


async def test_of_two_replicas_one_reconciles_and_the_other_takes_over(env: GatewayEnv) -> None:
    one, other = env.reconciler(), env.reconciler()
    assert await one.leader.lead()
    assert not await other.leader.lead()
    env.now += timedelta(minutes=2)
    assert await other.leader.lead()
    one.leader.doubt()
    assert not await one.leader.lead()
    await env.database.write(lambda session: GatewayState.let_go(session, other.leader.me))
    assert await one.leader.lead()


async def test_a_decision_of_another_replica_is_live_before_the_next_round(env: GatewayEnv) -> None:
    loop = env.reconciler()
    running = asyncio.create_task(loop.run())
    try:
        await until(lambda: env.limit("alice") == 100)
        env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
        await until(lambda: env.limit("bob") == 150, seconds=15)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_period_ends_only_after_the_gateway_was_read_and_limits_follow_the_opening(
    env: GatewayEnv,
) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 60)
    env.now = datetime(2026, 12, 1, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    waiting = asyncio.create_task(loop.before_turning())
    await until(loop._wake.is_set)
    assert not waiting.done()
    await loop.round()
    await waiting
    env.turn()
    await loop.turn()
    assert (env.wallet("alice").available, env.limit("alice")) == (100 * USD, pytest.approx(160))


async def test_a_gateway_that_is_down_does_not_keep_a_period_open(
    env: GatewayEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.gateways.reconcile.BEFORE_TURNING", 0.0)
    loop = env.reconciler()
    await loop.round()
    env.now = datetime(2026, 12, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    with pytest.raises(MessengerError, match="was not read"):
        await loop.before_turning()
    env.now += timedelta(minutes=11)
    await loop.before_turning()


@pytest.mark.parametrize(
    ("unit", "rate", "used"), [("credits", "", 0), ("tokens", "gateway: {per_usd: 1000}\n", 7_500)]
)
async def test_a_policy_that_a_gateway_cannot_follow_writes_no_limit(
    database: Database, http: aiohttp.ClientSession, unit: str, rate: str, used: int
) -> None:
    policy = POLICY.replace("unit: USD", f"unit: {unit}").replace("gateway: {per_usd: 1}\n", rate)
    settle_company(database, policy)
    async with LiteLLM(users={"alice": "alice@corp.example"}, clock=lambda: NOW) as gateway:
        env = GatewayEnv(database, gateway, http)
        loop = env.reconciler()
        await loop.round()
        gateway.burn("alice", 7.5)
        gateway.flush()
        await loop.turn()
        assert gateway.users["alice"].max_budget is None
        assert (env.wallet("alice").used, loop.errors) == (used, 0)


async def test_another_rate_counts_from_the_next_opening_on(
    database: Database, http: aiohttp.ClientSession
) -> None:
    policy = POLICY.replace("unit: USD", "unit: CNY").replace("per_usd: 1", "per_usd: 8")
    settle_company(database, policy)
    async with LiteLLM(users={"alice": "alice@corp.example"}, clock=lambda: NOW) as gateway:
        env = GatewayEnv(database, gateway, http)
        loop = env.reconciler()
        gateway.add_key("alice")
        await loop.round()
        assert gateway.users["alice"].max_budget == 12.5
        gateway.burn("alice", 1)
        gateway.flush()
        await loop.round()
        newer = policy.replace("per_usd: 8", "per_usd: 5")
        database.transact(lambda session: versions.record_version(session, newer, env.now, "ops"))
        gateway.burn("alice", 1)
        gateway.flush()
        await loop.round()
        assert (env.wallet("alice").used, gateway.users["alice"].max_budget) == (16 * USD, 12.5)
        env.now = datetime(2026, 12, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
        env.turn()
        await loop.round()
        assert gateway.users["alice"].max_budget == 22
        gateway.burn("alice", 1)
        gateway.flush()
        await loop.round()
        assert (env.wallet("alice").used, gateway.users["alice"].max_budget) == (21 * USD, 22)
