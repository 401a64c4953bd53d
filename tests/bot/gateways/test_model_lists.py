"""Lists of models by connector: what is offered, what is written, and what lets people around a list."""

from __future__ import annotations

import pytest

from bot.gateways.named import named
from bot.gateways.port import GatewayError, ModelLists
from models.metering.ladder import Offer
from sandbox.gateways.claude_enterprise import ClaudeEnterprise
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.new_api import NewApi
from sandbox.gateways.openrouter import OpenRouter
from tests.bot.gateways.conftest import Connect

CHEAP = (("hun*", "gpt-5.5-*"),)
PRICES = {"claude-opus-5": (5e-06, 25e-06), "gpt-5.5-mini": (2.5e-07, 2e-06), "hunyuan": (0.0, 0.0)}


@pytest.mark.parametrize(
    ("entity", "account"), [("user", "ann"), ("key", ""), ("team_member", "core/ann")], ids=lambda one: one
)
async def test_litellm_writes_names_on_each_entity_and_takes_them_off(
    connect: Connect, entity: str, account: str
) -> None:
    async with LiteLLM(users={"ann": None}, prices=PRICES) as gateway:
        gateway.add_team("core", ["ann"])
        key = gateway.add_key("ann")
        connector = named("api", connect("litellm", gateway, entity=entity))
        assert isinstance(connector, ModelLists)
        offer = await connector.offer(CHEAP)
        assert offer == Offer(("gpt-5.5-mini", "hunyuan"), ("gpt-5.5-mini", "hunyuan"))
        assert await connector.offer((*CHEAP, ("internal-*",))) is None
        account = f"api:{account or key.token}"
        assert (await connector.account(account)).models == ()
        narrowed = await connector.set_models(account, offer.words)
        assert narrowed.models == offer.words
        assert (await connector.set_models(account, ())).models == ()


async def test_litellm_says_what_lets_people_around_a_list(connect: Connect) -> None:
    offers = [Offer(("hunyuan",), ("hunyuan",))]
    async with LiteLLM(users={"ann": None}, prices=PRICES) as gateway:
        gateway.router = {"fallbacks": [{"hunyuan": ["claude-opus-5"]}]}
        gateway.settings["apply_user_budget_to_team_keys"] = True
        gateway.add_key("ann", team_id="core", key_alias="on-team")
        by_entity = {}
        for entity in ("user", "key"):
            connector = connect("litellm", gateway, entity=entity)
            assert isinstance(connector, ModelLists)
            by_entity[entity] = {one.code: one.subjects for one in await connector.ways_around(offers)}
    assert by_entity["user"] == {
        "listed_model_goes_on": ("hunyuan",),
        "calls_name_fallbacks": ("*",),
        "team_keys_any_model": ("on-team",),
    }
    assert by_entity["key"] == {"listed_model_goes_on": ("hunyuan",)}


@pytest.mark.parametrize("one_api", [False, True])
async def test_new_api_puts_a_user_into_the_largest_group_without_other_models(
    connect: Connect, one_api: bool
) -> None:
    async with NewApi(one_api=one_api) as gateway:
        ann = gateway.add_user("ann", quota=5, group="vip", email="ann@corp.example", display_name="Ann")
        gateway.add_channel("claude-opus-5,hunyuan", "default,vip")
        gateway.add_channel("hunyuan,gpt-5.5-mini", "cheap")
        gateway.add_channel("hunyuan", "tiny")
        gateway.add_channel("claude-opus-5", "cheap", status=2)
        connector = connect("new-api", gateway)
        assert isinstance(connector, ModelLists)
        assert (await connector.account("1")).models is None, "nobody asked for lists yet"
        offer = await connector.offer(CHEAP)
        assert offer == Offer(("cheap",), ("gpt-5.5-mini", "hunyuan"))
        assert (await connector.account("1")).models == ("vip",)
        assert (await connector.set_models("1", offer.words)).models == ("cheap",)
        assert (ann.display_name, ann.email, ann.quota) == ("Ann", "ann@corp.example", 5)
        around = await connector.ways_around([offer])
        assert [(one.code, one.subjects) for one in around] == (
            [] if one_api else [("open_groups", ("default",))]
        )


async def test_new_api_waits_for_a_group_that_may_still_arrive(connect: Connect) -> None:
    async with NewApi() as gateway:
        gateway.add_user("ann", group="vip")
        connector = connect("new-api", gateway)
        assert isinstance(connector, ModelLists)
        gateway.faults.lose_request("PUT /api/user/", times=None)
        with pytest.raises(GatewayError):
            await connector.set_models("1", ("cheap",))
        gateway.faults.clear()
        gateway.calls.clear()
        with pytest.raises(GatewayError, match="may still arrive"):
            await connector.set_models("1", ("vip",))
        assert not gateway.calls["PUT /api/user/"]


async def test_openrouter_assigns_a_guardrail_without_a_budget_and_gives_the_found_one_back(
    connect: Connect,
) -> None:
    async with OpenRouter() as gateway:
        key = gateway.add_key("ann@corp.example")
        gateway.guardrails = [
            {"id": "r1", "name": "all", "allowed_models": None, "limit_usd": None},
            {"id": "r2", "name": "capped", "allowed_models": ["hunyuan", "gpt-5.5-mini"], "limit_usd": 20.0},
            {"id": "r3", "name": "cheap", "allowed_models": ["hunyuan"], "limit_usd": None},
            {"id": "r4", "name": "dear", "allowed_models": ["hunyuan", "claude-opus-5"], "limit_usd": None},
        ]
        gateway.assigned[key.hash] = "r4"
        connector = connect("openrouter", gateway)
        assert isinstance(connector, ModelLists)
        assert await connector.offer(CHEAP) == Offer(("r3",), ("hunyuan",))
        assert (await connector.account(key.hash)).models == ("r4",)
        assert (await connector.set_models(key.hash, ("r3",))).models == ("r3",)
        assert (await connector.set_models(key.hash, ("r4",))).models == ("r4",)
        assert (await connector.set_models(key.hash, ())).models == ()
        assert gateway.assigned == {}


async def test_other_gateways_limit_no_models(connect: Connect) -> None:
    async with ClaudeEnterprise() as gateway:
        connector = connect("claude-enterprise", gateway)
        assert not isinstance(connector, ModelLists)
        assert not isinstance(named("seats", connector), ModelLists)
