"""A surge: measured against the larger of the base and what there was, or by amount, and told to those whom the policy names."""

from __future__ import annotations

import aiohttp

from bot.database import Database
from sandbox.gateways.litellm import LiteLLM
from tests.actions import gift
from tests.company import CAST, NOW, POLICY, settle_company
from tests.gateway_env import GatewayEnv

ALL = "[person, manager, owner, admins]"


async def after_spending(
    database: Database, http: aiohttp.ClientSession, surge: str, usd: float, gave: float = 0
) -> dict[str, list[str]]:
    """What everybody was told after Alice spent `usd` within minutes."""
    text = f"{POLICY}admin_channel: {{slack: C0OPS}}\nalerts: {{at: [1.0], surge: {{{surge}}}}}\n"
    settle_company(database, text)
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in CAST}
    async with LiteLLM(users=users, clock=lambda: NOW) as gateway:
        env = GatewayEnv(database, gateway, http)
        if gave:
            gift(database, "alice", gave)
        loop = env.reconciler()
        await loop.round()
        env.burn("alice", usd)
        await loop.round()
        return {name: [one for one in env.told(name) if "60" in one] for name in CAST}


async def test_a_surge_is_told_to_everybody_whom_the_policy_names(
    database: Database, http: aiohttp.ClientSession
) -> None:
    told = await after_spending(database, http, f"tell: {ALL}", 30)
    assert "Is that you?" in told["alice"][0]
    heard = {name for name, texts in told.items() if texts}
    assert {"alice", "carol", "ops"} <= heard
    for name in heard - {"alice"}:
        assert len(told[name]) == 1
        assert "Alice" in told[name][0]
        assert "$30" in told[name][0]


async def test_without_a_word_in_the_policy_only_the_member_hears(
    database: Database, http: aiohttp.ClientSession
) -> None:
    told = await after_spending(database, http, "share: 0.25", 30)
    assert [name for name, texts in told.items() if texts] == ["alice"]


async def test_a_quarter_of_the_base_is_no_surge_for_somebody_who_was_given_much_more(
    database: Database, http: aiohttp.ClientSession
) -> None:
    told = await after_spending(database, http, "share: 0.25", 30, gave=900)
    assert not any(told.values())


async def test_an_amount_is_a_surge_whatever_the_share(
    database: Database, http: aiohttp.ClientSession
) -> None:
    told = await after_spending(database, http, "share: 0.25, amount: 20", 30, gave=900)
    assert "Is that you?" in told["alice"][0]
