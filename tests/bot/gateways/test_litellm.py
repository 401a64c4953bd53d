"""The LiteLLM connector against its stand-in, and the stand-in's own refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.gateways.port import Gateway, GatewayError, NoSuchAccount, now_utc
from models.metering.reading import KeyUsage, Reading
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.litellm_objects import Budget, Key
from sandbox.gateways.stand_in import FORBIDDEN
from tests.bot.gateways.conftest import Connect

TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def gateway() -> AsyncIterator[LiteLLM]:
    people = {"ann": "ann@corp.example", "anna": "anna@corp.example", "bo+b": "bo+b@corp.example"}
    async with LiteLLM(users=people, clock=lambda: TODAY) as standin:
        yield standin


async def everybody(connector: Gateway) -> list[Reading]:
    return [account async for page in connector.accounts() for account in page]


async def used(connector: Gateway, account: str = "") -> list[KeyUsage]:
    rows = [row async for page in connector.usage(TODAY.date(), TODAY.date(), account) for row in page]
    return sorted(rows, key=lambda row: (row.account, row.model, row.key))


async def call(
    http: ClientSession,
    gateway: LiteLLM,
    key: Key,
    text: str = "in=4000 out=3000",
    model: str = "gpt-5.5-mini",
) -> int:
    body = {"model": model, "max_tokens": 3000, "messages": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {key.secret}"}
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as answer:
        said = await answer.json()
        assert answer.status == 200 or said["error"]["type"] == "budget_exceeded"
        return answer.status


# ---- reading ----------------------------------------------------------------------------------------------------


async def test_everybody_is_listed_once_in_a_stable_order(connect: Connect) -> None:
    async with LiteLLM(users={f"u{n:04}": None for n in range(250)}) as gateway:
        found = await everybody(connect("litellm", gateway))
        assert [one.id for one in found] == [f"u{n:04}" for n in range(250)]
        assert gateway.calls == {"GET /user/list": 3}


async def test_a_user_created_between_pages_hides_no_other(connect: Connect) -> None:
    async with LiteLLM(users={f"u{n:04}": None for n in range(250)}) as gateway:
        newcomers = iter(["a-first", "u0150-x", "z-last"])
        gateway.faults.meanwhile("GET /user/list", lambda: gateway.add_user(next(newcomers)))
        found = [one.id for one in await everybody(connect("litellm", gateway))]
        assert len(found) == len(set(found))
        assert set(found) >= {f"u{n:04}" for n in range(250)}


async def test_a_reading_says_how_fresh_it_is_in_which_window(gateway: LiteLLM, connect: Connect) -> None:
    gateway.users["ann"].budget_reset_at = "2026-12-01T00:00:00Z"
    gateway.edit("ann", 0.3)
    gateway.burn("ann", 0.1)
    gateway.burn("ann", 0.2)
    gateway.flush()
    before = now_utc()
    ann = await connect("litellm", gateway).account("ann")
    assert before <= ann.as_of <= now_utc()
    assert (ann.spent, ann.total, ann.window) == (300_001, 300_000, "2026-12-01T00:00:00Z")
    assert (ann.email, ann.owner, ann.blocked) == ("ann@corp.example", "ann", False)


async def test_a_reset_shows_as_another_window_and_leaves_the_limit(
    gateway: LiteLLM, connect: Connect
) -> None:
    connector = connect("litellm", gateway)
    gateway.users["ann"].budget_reset_at = "2026-12-01T00:00:00+00:00"
    gateway.edit("ann", 5.0)
    gateway.burn("ann", 2.0)
    gateway.flush()
    before = await connector.account("ann")
    gateway.reset("ann")
    after = await connector.account("ann")
    assert (before.spent, after.spent) == (2_000_000, 0)
    assert before.window != after.window
    assert before.total == after.total == 5_000_000


@pytest.mark.parametrize("light_reads", [True, False])
async def test_an_id_is_matched_exactly_though_the_list_finds_whatever_contains_it(
    connect: Connect, light_reads: bool
) -> None:
    async with LiteLLM(users={"anna": None, "ann": None, "bo+b": None}, light_reads=light_reads) as gateway:
        connector = connect("litellm", gateway)
        assert (await connector.account("ann")).id == "ann"
        assert (await connector.account("bo+b")).id == "bo+b"
        with pytest.raises(NoSuchAccount):
            await connector.account("an")


# ---- writing ----------------------------------------------------------------------------------------------------


async def test_a_write_names_the_user_and_the_budget_and_nothing_else(
    gateway: LiteLLM, connect: Connect
) -> None:
    gateway.users["ann"].budget_duration, gateway.users["ann"].budget_reset_at = "1mo", "2026-12-01T00:00:00Z"
    ann = await connect("litellm", gateway).set_total("ann", 120_500_000)
    assert gateway.bodies == [("POST /user/update", {"user_id": "ann", "max_budget": 120.5})]
    assert (ann.total, ann.window) == (120_500_000, "2026-12-01T00:00:00Z")


@pytest.mark.parametrize("total", [0, 1, 123_456_789])
async def test_a_limit_is_always_a_number(gateway: LiteLLM, connect: Connect, total: int) -> None:
    await connect("litellm", gateway).set_total("ann", total)
    assert isinstance(gateway.bodies[-1][1]["max_budget"], float)
    assert gateway.users["ann"].max_budget == total / 10**6


async def test_a_negative_limit_is_a_mistake_of_ours(gateway: LiteLLM, connect: Connect) -> None:
    with pytest.raises(ValueError, match="negative"):
        await connect("litellm", gateway).set_total("ann", -1)
    assert not gateway.calls


async def test_a_write_creates_no_unknown_user(gateway: LiteLLM, connect: Connect) -> None:
    with pytest.raises(NoSuchAccount):
        await connect("litellm", gateway).set_total("ghost", 5)
    assert "ghost" not in gateway.users


async def test_a_listed_user_costs_one_write_and_one_reading(gateway: LiteLLM, connect: Connect) -> None:
    connector = connect("litellm", gateway)
    await everybody(connector)
    gateway.calls.clear()
    await connector.set_total("ann", 5)
    assert gateway.calls == {"POST /user/update": 1, "GET /v2/user/info": 1}


async def test_a_lost_reply_is_found_out_by_reading(gateway: LiteLLM, connect: Connect) -> None:
    gateway.faults.lose_reply("POST /user/update")
    assert (await connect("litellm", gateway).set_total("ann", 5_000_000)).total == 5_000_000
    assert gateway.calls["POST /user/update"] == 1


async def test_a_lost_request_is_an_error_to_try_again(gateway: LiteLLM, connect: Connect) -> None:
    connector = connect("litellm", gateway)
    gateway.faults.lose_request("POST /user/update")
    with pytest.raises(GatewayError) as caught:
        await connector.set_total("ann", 5_000_000)
    assert caught.value.unknown
    assert gateway.users["ann"].max_budget is None
    assert (await connector.set_total("ann", 5_000_000)).total == 5_000_000


async def test_a_limit_changed_by_hand_at_once_is_noticed(gateway: LiteLLM, connect: Connect) -> None:
    gateway.faults.meanwhile("POST /user/update", lambda: gateway.edit("ann", 9.0))
    with pytest.raises(GatewayError, match="wrote 5000000 µUSD, read back 9000000"):
        await connect("litellm", gateway).set_total("ann", 5_000_000)


async def test_release_alone_may_lift_a_limit(gateway: LiteLLM, connect: Connect) -> None:
    gateway.add_team("core", ["ann"])
    key = gateway.add_key("ann")
    for entity, who in (("user", "ann"), ("key", key.token), ("team_member", "core/ann")):
        connector = connect("litellm", gateway, entity=entity)
        await connector.set_total(who, 5_000_000)
        assert (await connector.release(who, 2_000_000)).total == 2_000_000
        assert (await connector.release(who, None)).total is None


# ---- keys and team members --------------------------------------------------------------------------------------


async def test_keys_are_accounts_with_their_owner_as_a_hint(gateway: LiteLLM, connect: Connect) -> None:
    laptop = gateway.add_key("ann", key_alias="laptop")
    gateway.add_key(None, key_alias="ci", blocked=True)
    gateway.add_key("ann", team_id="litellm-dashboard")
    connector = connect("litellm", gateway, entity="key")
    mine, service = await everybody(connector)
    assert (mine.id, mine.name, mine.owner, mine.email) == (laptop.token, "laptop", "ann", "ann@corp.example")
    assert (service.owner, service.email, service.blocked) == ("", "", True)
    assert (await connector.set_total(laptop.token, 7)).total == 7
    assert gateway.bodies == [("POST /key/update", {"key": laptop.token, "max_budget": 7e-06})]
    with pytest.raises(NoSuchAccount):
        await connector.account("0" * 64)


async def test_team_members_are_accounts_of_their_team(gateway: LiteLLM, connect: Connect) -> None:
    gateway.add_team("core", ["bo+b", "ann"])
    connector = connect("litellm", gateway, entity="team_member")
    assert [one.id for one in await everybody(connector)] == ["core/ann", "core/bo+b"]
    found = await connector.set_total("core/ann", 2_500_000)
    assert (found.total, found.owner, found.email) == (2_500_000, "ann", "ann@corp.example")
    assert gateway.bodies[-1][1] == {"team_id": "core", "user_id": "ann", "max_budget_in_team": 2.5}
    for nobody in ("core/ghost", "nowhere/ann"):
        with pytest.raises(NoSuchAccount):
            await connector.set_total(nobody, 1)
    assert set(gateway.teams["core"].members) == {"ann", "bo+b"}


async def test_a_released_member_follows_the_teams_default_again(gateway: LiteLLM, connect: Connect) -> None:
    team = gateway.add_team("core", ["ann", "bo+b"])
    team.inheriting |= {"ann", "bo+b"}
    team.set_default(30)
    connector = connect("litellm", gateway, entity="team_member")
    for name in ("core/ann", "core/bo+b"):
        await connector.set_total(name, 5_000_000)
    assert (await connector.release("core/bo+b", 30_000_000)).total == 30_000_000
    assert (await connector.release("core/ann", 20_000_000)).total == 20_000_000
    team.set_default(44)
    assert (await connector.account("core/bo+b")).total == 44_000_000
    assert (await connector.account("core/ann")).total == 20_000_000


# ---- usage ------------------------------------------------------------------------------------------------------


async def test_usage_comes_by_person_key_and_the_model_as_people_call_it(
    gateway: LiteLLM, connect: Connect
) -> None:
    laptop, ci = gateway.add_key("ann", key_alias="laptop"), gateway.add_key(None, key_alias="ci")
    gateway.burn("ann", 0.1, key=laptop)
    gateway.burn("ann", 0.2, key=gateway.add_key("ann", key_alias="server"))
    gateway.burn("", 1.0, key=ci)
    connector = connect("litellm", gateway)
    assert await used(connector) == []  # not flushed yet
    gateway.flush()
    rows = {row.key: row for row in await used(connector)}
    assert (rows["ci"].account, rows["ci"].amount) == ("", 1_000_000)
    assert [(rows[key].account, rows[key].amount) for key in ("laptop", "server")] == [
        ("ann", 100_000),
        ("ann", 200_000),
    ]
    assert {(row.day, row.model) for row in rows.values()} == {(date(2026, 11, 23), "claude-opus-5")}
    assert gateway.calls == {"GET /user/daily/activity": 2}


@pytest.mark.parametrize("entity", ["user", "key", "team_member"])
async def test_a_page_cuts_rows_and_the_sums_stay_whole(connect: Connect, entity: str) -> None:
    async with LiteLLM(users={"ann": None, "bob": None}, activity_rows=2, clock=lambda: TODAY) as gateway:
        gateway.add_team("core", ["ann", "bob"])
        keys = [
            gateway.add_key(who, team_id="core", key_alias=f"{who}-{n}")
            for who in ("ann", "bob")
            for n in range(3)
        ]
        for n, key in enumerate(keys):
            for model in ("claude-opus-5", "gpt-5.5-mini"):
                gateway.burn(key.user_id or "", n + 1.0, key=key, model=model)
        gateway.flush()
        rows = await used(connect("litellm", gateway, entity=entity))
        assert len(rows) == 12
        assert sum(row.amount for row in rows) == 42 * 10**6
        assert gateway.calls["GET /user/daily/activity"] == 6
        accounts = {
            "user": {"ann", "bob"},
            "key": {key.token for key in keys},
            "team_member": {"core/ann", "core/bob"},
        }
        assert {row.account for row in rows} == accounts[entity]


async def test_usage_names_model_and_key(gateway: LiteLLM, connect: Connect) -> None:
    gateway.burn("ann", 3.0, key=gateway.add_key("ann", key_alias="agents"), model="claude-opus-5")
    gateway.burn("anna", 1.0, key=gateway.add_key("anna", key_alias="other"))
    gateway.flush()
    (row,) = await used(connect("litellm", gateway), account="ann")
    assert (row.account, row.model, row.key, row.amount) == ("ann", "claude-opus-5", "agents", 3_000_000)


async def test_a_team_member_is_not_charged_for_personal_keys(gateway: LiteLLM, connect: Connect) -> None:
    gateway.add_team("core", ["ann"])
    gateway.burn("ann", 1.0, key=gateway.add_key("ann", key_alias="personal"))
    gateway.burn("ann", 2.0, key=gateway.add_key("ann", team_id="core", key_alias="work"))
    gateway.flush()
    (row,) = await used(connect("litellm", gateway, entity="team_member"))
    assert (row.account, row.amount) == ("core/ann", 2_000_000)


# ---- preflight --------------------------------------------------------------------------------------------------


async def found(connector: Gateway, *free: str) -> dict[str, tuple[str, ...]]:
    return {one.code: one.subjects for one in await connector.preflight(free)}


async def test_a_clean_gateway_has_nothing_to_say(gateway: LiteLLM, connect: Connect) -> None:
    gateway.add_key("ann")
    assert await found(connect("litellm", gateway), "hunyuan") == {}


async def test_preflight_names_what_else_would_bind_a_user(gateway: LiteLLM, connect: Connect) -> None:
    gateway.users["anna"].budget_duration = "1mo"
    gateway.add_team("core", ["ann"], max_budget=10.0)
    gateway.add_key("ann", team_id="core", key_alias="on-team")
    gateway.add_key("ann", key_alias="capped", max_budget=1.0)
    gateway.add_key(None, key_alias="ci", budget_limits=[{"budget_duration": "24h", "max_budget": 5}])
    connector = connect("litellm", gateway)
    assert await found(connector, "hunyuan", "gpt-5.5-mini", "unheard-of") == {
        "window_set": ("anna",),
        "team_keys": ("on-team",),
        "key_cap": ("capped",),
        "key_windows": ("ci",),
        "key_without_owner": ("ci",),
        "team_cap": ("core",),
        "model_not_free": ("gpt-5.5-mini", "unheard-of"),
    }
    gateway.settings["apply_user_budget_to_team_keys"] = True
    assert "team_keys" not in await found(connector)


FREE = {"hunyuan": (0.0, 0.0), "ernie": (0.0, 0.0), "gpt-5.5-mini": (2.5e-07, 2e-06)}


@pytest.mark.parametrize(
    ("router", "paid_for"),
    [
        ({}, None),
        ({"fallbacks": [{"hunyuan": ["ernie"]}]}, None),
        ({"fallbacks": [{"hunyuan": ["gpt-5.5-mini"]}]}, "gpt-5.5-mini"),
        ({"context_window_fallbacks": [{"hunyuan": ["ernie"]}, {"ernie": [{"model": "gpt-5.5-mini"}]}]}, "gpt-5.5-mini"),
        ({"content_policy_fallbacks": [{"*": ["unheard-of"]}]}, "unheard-of"),
        ({"default_fallbacks": ["gpt-5.5-mini"]}, "gpt-5.5-mini"),
        ({"fallbacks": [{"hunyuan": ["ernie"]}, {"ernie": ["hunyuan"]}, {"other": ["gpt-5.5-mini"]}]}, None),
    ],
)  # fmt: skip
async def test_a_model_that_goes_on_to_one_that_costs_is_not_free(
    connect: Connect, router: dict[str, Any], paid_for: str | None
) -> None:
    async with LiteLLM(users={"ann": None}, prices=FREE) as gateway:
        gateway.router = router
        connector = connect("litellm", gateway)
        assert ("hunyuan" in await connector.free_models(["hunyuan"])) is (paid_for is None)
        finding = next(iter(await connector.preflight(["hunyuan"])), None)
    assert (finding and (finding.code, finding.subjects, finding.facts)) == (
        paid_for and ("free_model_goes_on", ("hunyuan",), {"hunyuan": paid_for})
    )


async def test_preflight_names_people_who_may_create_keys_of_their_own(
    gateway: LiteLLM, connect: Connect
) -> None:
    gateway.users["ann"].user_role, gateway.users["ann"].teams = "internal_user", ["core"]
    gateway.users["anna"].user_role = "internal_user_viewer"
    assert (await found(connect("litellm", gateway, entity="key")))["own_keys"] == ("ann",)
    assert (await found(connect("litellm", gateway)))["own_team_keys"] == ("ann",)
    gateway.settings["apply_user_budget_to_team_keys"] = True
    assert "own_team_keys" not in await found(connect("litellm", gateway))


async def test_preflight_knows_what_matters_to_keys_and_to_members(
    gateway: LiteLLM, connect: Connect
) -> None:
    gateway.edit("ann", 3.0)
    gateway.add_key("ann", key_alias="mine", budget_duration="7d")
    assert await found(connect("litellm", gateway, entity="key")) == {
        "window_set": ("mine",),
        "user_cap": ("ann",),
    }
    assert await found(connect("litellm", gateway, entity="team_member")) == {"personal_keys": ("mine",)}
    gateway.add_team("core", ["ann"]).members["ann"] = Budget(30, budget_duration="30d")
    assert (await found(connect("litellm", gateway, entity="team_member")))["window_set"] == ("ann in core",)


async def test_an_admin_who_may_not_see_the_settings_gets_the_cautious_answer(
    gateway: LiteLLM, connect: Connect
) -> None:
    gateway.settings["apply_user_budget_to_team_keys"] = True
    gateway.add_key("ann", team_id="core", key_alias="on-team")
    gateway.faults.plan("GET /config/list", FORBIDDEN)
    assert await found(connect("litellm", gateway)) == {"team_keys": ("on-team",)}


# ---- the stand-in refuses like the real one ---------------------------------------------------------------------


async def test_a_call_is_refused_at_the_limit_and_let_through_when_it_is_raised(
    gateway: LiteLLM, connect: Connect, http: ClientSession
) -> None:
    connector, key = connect("litellm", gateway), gateway.add_key("ann")
    await connector.set_total("ann", 7_000)
    assert await call(http, gateway, key) == 200  # 4000 × 0.25 + 3000 × 2 millionths = 0.007
    assert await call(http, gateway, key) == 422
    assert (await connector.account("ann")).spent == 0  # the counter knows, the database does not yet
    await connector.set_total("ann", 7_001)
    assert await call(http, gateway, key) == 200
    gateway.flush()
    assert (await connector.account("ann")).spent == 14_000


async def test_a_free_model_passes_at_any_limit(
    gateway: LiteLLM, connect: Connect, http: ClientSession
) -> None:
    connector, key = connect("litellm", gateway), gateway.add_key("ann")
    await connector.set_total("ann", 0)
    assert await call(http, gateway, key) == 422
    assert await call(http, gateway, key, model="hunyuan") == 200
    assert await connector.free_models(["hunyuan", "gpt-5.5-mini"]) == {"hunyuan"}


async def test_a_users_budget_does_not_count_on_team_keys_unless_told_so(
    gateway: LiteLLM, http: ClientSession
) -> None:
    gateway.add_team("core", ["ann"])
    key = gateway.add_key("ann", team_id="core")
    gateway.edit("ann", 0.0)
    assert await call(http, gateway, key) == 200
    gateway.settings["apply_user_budget_to_team_keys"] = True
    assert await call(http, gateway, key) == 422
    gateway.settings["apply_user_budget_to_team_keys"] = False
    gateway.teams["core"].members["ann"].max_budget = 0.0
    assert await call(http, gateway, key) == 422


@pytest.mark.parametrize("status", [400, 422, 429])
async def test_versions_differ_in_the_status_of_over_budget(http: ClientSession, status: int) -> None:
    async with LiteLLM(users={"ann": None}, over_budget_status=status) as gateway:
        gateway.edit("ann", 0.0)
        assert await call(http, gateway, gateway.add_key("ann")) == status


async def test_pages_are_at_most_a_hundred_long(gateway: LiteLLM, http: ClientSession) -> None:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with http.get(f"{gateway.url}/user/list?page_size=101", headers=headers) as answer:
        assert answer.status == 422
        said: dict[str, Any] = json.loads(await answer.text())
        assert said["detail"][0]["loc"] == ["query", "page_size"]
