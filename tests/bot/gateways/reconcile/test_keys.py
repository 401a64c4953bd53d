"""Members with several keys, or with limits in a team."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
from sqlmodel import select

from bot.database import Database
from handlers import lending, requests
from models.quota.request import Request
from sandbox.gateways.litellm import LiteLLM
from tests.company import NOW, who
from tests.gateway_env import USD, GatewayEnv


async def test_several_keys_of_one_person_share_what_is_left(
    company: Database, http: aiohttp.ClientSession
) -> None:
    async with LiteLLM(users={"alice@corp.example": "alice@corp.example"}, clock=lambda: NOW) as gateway:
        env = GatewayEnv(company, gateway, http)
        laptop, robot = (
            gateway.add_key("alice@corp.example", key_alias=name) for name in ("laptop", "robot")
        )
        loop = env.reconciler(entity="key")
        await loop.round()
        gateway.burn("alice@corp.example", 30, key=laptop)
        gateway.burn("alice@corp.example", 60, key=robot)
        gateway.flush()
        await loop.round()
        assert (env.wallet("alice").available, laptop.max_budget, robot.max_budget) == (10 * USD, 40, 70)
        (told,) = [text for text in env.told("alice") if "Is that you?" in text]
        assert "claude-opus-5 (robot) $60" in told
        assert "claude-opus-5 (laptop) $30" in told


async def test_a_grant_is_live_once_every_key_has_it_and_does_not_wait_for_a_deleted_key(
    company: Database, http: aiohttp.ClientSession
) -> None:
    async with LiteLLM(users={"alice@corp.example": "alice@corp.example"}, clock=lambda: NOW) as gateway:
        env = GatewayEnv(company, gateway, http)
        laptop, robot, old = (
            gateway.add_key("alice@corp.example", key_alias=name) for name in ("laptop", "robot", "old")
        )
        loop = env.reconciler(entity="key")
        await loop.round()
        del gateway.keys[old.token]
        env.do("bob", lambda ctx: lending.lend(ctx, who(ctx.session, "alice"), 10 * USD))
        await loop.changes()
        env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
        code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
        env.do("carol", lambda ctx: requests.approve(ctx, code))
        gateway.faults.fail("POST /key/update", times=1)
        await loop.changes()
        assert {laptop.max_budget, robot.max_budget} == {110, 170}
        assert not [text for text in env.told("alice") if "live at the gateway" in text]
        env.now += timedelta(minutes=1)
        await loop.changes()
        assert {laptop.max_budget, robot.max_budget} == {170}
        assert sum("live at the gateway" in text for text in env.told("alice")) == 1
        gateway.calls.clear()
        await loop.round()
        assert gateway.calls == {"GET /key/list": 1}, "nobody asks for the deleted key again"


async def test_team_members_have_their_limits_in_the_team(
    company: Database, http: aiohttp.ClientSession
) -> None:
    async with LiteLLM(users={"alice": "alice@corp.example"}, clock=lambda: NOW) as gateway:
        env = GatewayEnv(company, gateway, http)
        team = gateway.add_team("design", ["alice"])
        gateway.burn("alice", 30, key=gateway.add_key("alice", team_id="design"))
        loop = env.reconciler(entity="team_member")
        await loop.round()
        gateway.flush()
        await loop.round()
        assert (env.wallet("alice").used, team.members["alice"].max_budget) == (30 * USD, 100)
