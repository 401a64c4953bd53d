"""The LiteLLM connector against a real LiteLLM proxy, named by GATEWAY_URL and GATEWAY_KEY.

Its model `echo-1` bills what a prompt "in=1000 out=500" says at 1 and 2 millionths of a USD.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.gateways.port import Gateway, GatewayRefused, NoSuchAccount, now_utc
from bot.gateways.registry import open_gateway
from models.metering.reading import Reading

URL, KEY = os.environ.get("GATEWAY_URL", ""), os.environ.get("GATEWAY_KEY", "")
pytestmark = [
    pytest.mark.litellm,
    pytest.mark.skipif(not (URL and KEY), reason="no LiteLLM: GATEWAY_URL and GATEWAY_KEY name one"),
]

COST = 10_000  # µUSD of a call below
COUNTED = 0.1  # seconds after an answer within which LiteLLM's enforcing counter knows of it; there is nothing to ask about it


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


class Town:
    """Somebody new in a team, with a key of their own and one on the team."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http
        self.user = f"ann+{uuid.uuid4().hex[:8]}"
        self.team = self.own = self.on_team = self.own_id = ""

    async def settle(self) -> Town:
        """Create them."""
        await self.admin(
            "/user/new", user_id=self.user, user_email=f"{self.user}@corp.example", auto_create_key=False
        )
        self.team = (await self.admin("/team/new", team_alias=self.user))["team_id"]
        await self.admin("/team/member_add", team_id=self.team, member={"role": "user", "user_id": self.user})
        own = await self.admin("/key/generate", user_id=self.user, key_alias=f"{self.user}-own")
        self.own, self.own_id = own["key"], own["token_id"]
        self.on_team = (await self.admin("/key/generate", user_id=self.user, team_id=self.team))["key"]
        return self

    async def admin(self, path: str, **body: Any) -> dict[str, Any]:
        """What an admin does by hand."""
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self._http.post(URL + path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

    async def call(self, key: str) -> bool:
        """Call a model: let through, or refused for the budget?"""
        body = {
            "model": "echo-1",
            "max_tokens": 3000,
            "messages": [{"role": "user", "content": "in=4000 out=3000"}],
        }
        headers = {"Authorization": f"Bearer {key}"}
        async with self._http.post(f"{URL}/v1/chat/completions", json=body, headers=headers) as answer:
            said = await answer.json()
            if answer.status == 200:
                await asyncio.sleep(COUNTED)
                return True
            assert answer.status in {400, 422, 429}
            assert said["error"]["type"] == "budget_exceeded", said
            return False


@pytest.fixture
async def company(http: ClientSession) -> Town:
    return await Town(http).settle()


COUNTED = 0.15
"""Seconds after an answer within which LiteLLM's enforcing counter knows of it; there is nothing to ask about it."""


async def seen(reading: Callable[[], Awaitable[Reading]], spent: int, seconds: float = 30) -> Reading:
    """Read until the spend shows, which takes LiteLLM up to 15 s."""
    async with asyncio.timeout(seconds):
        while (found := await reading()).spent < spent:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.2)
    return found


def who(company: Town, entity: str) -> tuple[str, str]:
    """The account, and the key whose calls it pays for."""
    return {
        "user": (company.user, company.own),
        "key": (company.own_id, company.own),
        "team_member": (f"{company.team}/{company.user}", company.on_team),
    }[entity]


@pytest.mark.parametrize("entity", ["user", "key", "team_member"])
async def test_a_limit_refuses_when_it_is_reached_and_lets_through_when_it_is_raised(
    http: ClientSession, company: Town, entity: str
) -> None:
    gateway = open_gateway("litellm", URL, KEY, http, entity=entity)
    account, key = who(company, entity)
    assert account in [one.id async for page in gateway.accounts() for one in page]
    assert (await gateway.account(account)).total is None
    assert (await gateway.set_total(account, COST)).total == COST
    assert await company.call(key)
    await asyncio.sleep(COUNTED)
    assert not await company.call(key)
    started = time.monotonic()
    await gateway.set_total(account, 3 * COST)
    assert await company.call(key)
    print(
        f"{entity}: {time.monotonic() - started - COUNTED:.3f} s from the decision to the first call let through"
    )
    await gateway.set_total(account, 2 * COST)
    assert not await company.call(key)
    assert (await seen(lambda: gateway.account(account), 2 * COST)).spent == 2 * COST
    assert (await gateway.release(account, None)).total is None
    assert await company.call(key)


@pytest.mark.parametrize("entity", ["user", "key", "team_member"])
async def test_usage_shows_by_day_model_and_key(http: ClientSession, company: Town, entity: str) -> None:
    gateway = open_gateway("litellm", URL, KEY, http, entity=entity)
    account, key = who(company, entity)
    since = now_utc().date()
    assert await company.call(key)
    await seen(lambda: gateway.account(account), COST)
    async with asyncio.timeout(30):
        while not (rows := await used(gateway, since, account)):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.2)
    (row,) = rows
    assert (row.account, row.amount, row.requests) == (account, COST, 1)
    assert (row.input_tokens, row.output_tokens) == (4000, 3000)
    assert row.model == "echo-1"
    assert row.key
    everybody = [row async for page in gateway.usage(since, now_utc().date()) for row in page]
    assert [(row.amount, row.model) for row in everybody if row.account == account] == [(COST, row.model)]


async def used(gateway: Gateway, since: Any, account: str) -> list[Any]:
    return [row async for page in gateway.usage(since, now_utc().date(), account) for row in page]


async def test_a_window_is_not_touched_by_a_limit(http: ClientSession, company: Town) -> None:
    await company.admin("/user/update", user_id=company.user, budget_duration="1mo")
    gateway = open_gateway("litellm", URL, KEY, http)
    before = await gateway.account(company.user)
    after = await gateway.set_total(company.user, 5_000_001)
    assert before.window == after.window != ""
    assert after.total == 5_000_001


async def test_a_limit_creates_no_user(http: ClientSession, company: Town) -> None:
    ghosts = {"user": company.user[:-1], "key": "0" * 64, "team_member": f"{company.team}/ghost"}
    for entity, ghost in ghosts.items():
        gateway = open_gateway("litellm", URL, KEY, http, entity=entity)
        with pytest.raises(NoSuchAccount):
            await gateway.set_total(ghost, 1)
        assert ghost not in [one.id async for page in gateway.accounts() for one in page]


async def test_preflight_names_the_team_key_the_cap_and_the_price(http: ClientSession, company: Town) -> None:
    await company.admin("/key/update", key=company.own, max_budget=1.5)
    await company.admin("/user/update", user_id=company.user, budget_duration="1mo")
    findings = await open_gateway("litellm", URL, KEY, http).preflight(["echo-1"])
    found = {one.code: one.subjects for one in findings}
    assert company.user in found["window_set"]
    assert f"{company.user}-own" in found["key_cap"]
    assert found["team_keys"]
    assert found["model_not_free"] == ("echo-1",)


async def test_a_wrong_key_is_refused(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match="HTTP 401"):
        await open_gateway("litellm", URL, "sk-somebody-else", http).account("ann")
