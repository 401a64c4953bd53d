"""The whole way through a real LiteLLM: enforced, burnt out, refused, lent to, approved, let through, released.

Named by GATEWAY_URL and GATEWAY_KEY; its model `echo-1` bills what a prompt "in=1000 out=500" says, 1 USD a million in.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import Session

from bot.database import Database
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from models.metering.accounts import accounts_of
from models.metering.gateway_account import GatewayAccount
from models.quota.wallet import wallet_of
from tests.company import POLICY, settle_company, who
from tests.slack_env import Clock, SlackEnv, code_of, open_env, settled_copy

URL, KEY = os.environ.get("GATEWAY_URL", ""), os.environ.get("GATEWAY_KEY", "")
pytestmark = [
    pytest.mark.litellm,
    pytest.mark.skipif(not (URL and KEY), reason="no LiteLLM: GATEWAY_URL and GATEWAY_KEY name one"),
]

USD = 1_000_000
COUNTED = 0.15  # seconds after an answer within which LiteLLM's enforcing counter knows of it; there is nothing to ask about it
PEOPLE = {"alice": 40.0, "bob": None, "carol": None}
"""Their budgets before the bot came."""


class LiteLLM:
    """The proxy as people and its admin use it; everybody gets a new user, and a key of their own or in a new team."""

    def __init__(self, http: ClientSession, entity: str) -> None:
        self.http, self.entity, self.tail = http, entity, uuid.uuid4().hex[:8]
        self.keys: dict[str, str] = {}
        self.team = ""

    def user(self, name: str) -> str:
        return f"{name}-{self.tail}"

    async def settle(self) -> None:
        if self.entity == "team_member":
            self.team = (await self.admin("POST", "/team/new", json={}))["team_id"]
        for name, budget in PEOPLE.items():
            user, limit = {"user_id": self.user(name)}, {"max_budget": budget} if budget else {}
            made = user | (limit if self.entity == "user" else {}) | {"auto_create_key": False}
            await self.admin("POST", "/user/new", json=made)
            if self.team:
                await self._join(name, budget)
            key = (
                user | (limit if self.entity == "key" else {}) | ({"team_id": self.team} if self.team else {})
            )
            self.keys[name] = (await self.admin("POST", "/key/generate", json=key))["key"]

    async def _join(self, name: str, budget: float | None) -> None:
        body = {"team_id": self.team, "member": {"role": "user", "user_id": self.user(name)}}
        limit = {"max_budget_in_team": budget} if budget else {}
        await self.admin("POST", "/team/member_add", json=body | limit)

    async def admin(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self.http.request(method, URL + path, headers=headers, **more) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def about(self, name: str) -> Any:
        """Limit and spend, as LiteLLM shows them to its admin."""
        if self.entity == "user":
            return await self.admin("GET", "/v2/user/info", params={"user_id": self.user(name)})
        if self.entity == "key":
            return (await self.admin("GET", "/key/info", params={"key": self.keys[name]}))["info"]
        team = await self.admin("GET", "/team/info", params={"team_id": self.team})
        rows = [one for one in team["team_memberships"] if one["user_id"] == self.user(name)]
        budget = rows[0]["litellm_budget_table"] or {"max_budget": None}
        return {"spend": rows[0]["spend"], "max_budget": budget["max_budget"]}

    async def call(self, name: str, usd: float) -> bool:
        """Call a model for so much: let through, or refused for the budget?"""
        prompt = f"in={round(usd * USD)} out=0"
        body = {"model": "echo-1", "max_tokens": 10, "messages": [{"role": "user", "content": prompt}]}
        headers = {"Authorization": f"Bearer {self.keys[name]}"}
        async with self.http.post(f"{URL}/v1/chat/completions", json=body, headers=headers) as answer:
            said = await answer.json()
            if answer.status == 200:
                return True
            assert said["error"]["type"] == "budget_exceeded", said
            return False

    async def burn(self, name: str, usd: float) -> None:
        """Let a call through, and wait till it counts."""
        assert await self.call(name, usd)
        await asyncio.sleep(COUNTED)


@pytest.fixture(params=["user", "key", "team_member"])
async def litellm(request: pytest.FixtureRequest) -> AsyncIterator[LiteLLM]:
    async with ClientSession() as http:
        found = LiteLLM(http, request.param)
        await found.settle()
        yield found


@pytest.fixture
async def env(sqlite_template: Path, tmp_path: Path, litellm: LiteLLM) -> AsyncIterator[SlackEnv]:
    url, now = settled_copy(sqlite_template, tmp_path), datetime.now(UTC)
    database = Database(url)
    settle_company(database, f"{POLICY}quiet: null\n", now)
    database.transact(lambda session: _accounts(session, litellm))
    database.close()
    gateway = {"gateway_kind": "litellm", "gateway_url": URL, "gateway_key": KEY, "gateway_mode": "enforce"}
    async with open_env(url, gateway_sync_seconds=1, gateway_entity=litellm.entity, **gateway) as env:
        ticking = asyncio.create_task(_tick(env.clock))
        yield env
        ticking.cancel()


def _accounts(session: Session, litellm: LiteLLM) -> None:
    for name in PEOPLE:
        member = who(session, name)
        member.gateway_id = litellm.user(name)
        session.add(member)


async def _tick(clock: Clock) -> None:
    while True:
        clock.now = datetime.now(UTC)
        await asyncio.sleep(0.02)


async def until(asked: Callable[[], Awaitable[Any]], seconds: float) -> Any:
    """Ask again until the answer is yes: it is another process."""
    async with asyncio.timeout(seconds):
        while not (found := await asked()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def test_litellm_lets_through_what_chat_decides(env: SlackEnv, litellm: LiteLLM) -> None:
    async def has_limit(name: str, usd: float) -> bool:
        return bool((await litellm.about(name))["max_budget"] == usd)

    await until(lambda: has_limit("alice", 100), 30)
    await until(lambda: has_limit("bob", 100), 30)

    await litellm.burn("alice", 60)
    await litellm.burn("alice", 41)
    assert not await litellm.call("alice", 0.01), "burnt out"

    await env.command("bob")  # the first command of somebody is slower: their profile is read
    clicked = time.monotonic()
    await env.command("bob", "借给 @alice 50 压测")
    await until(lambda: litellm.call("alice", 0.01), 30)
    lent = time.monotonic() - clicked

    await litellm.burn("alice", 50)
    assert not await litellm.call("alice", 0.01), "burnt out again"
    sent = await env.command("alice", "request 60 load test")
    code = code_of(sent)
    card = await env.hear("carol", "asks for *$60.00*", code)
    clicked = time.monotonic()
    pressing = asyncio.create_task(env.press("carol", card, "request.approve"))
    await until(lambda: litellm.call("alice", 0.01), 30)
    approved = time.monotonic() - clicked
    await pressing
    await env.hear("alice", "$60.00", "live at the gateway")
    print(
        f"\n{litellm.entity}: lend → first accepted call: {lent:.2f} s; approve → first accepted call: {approved:.2f} s"
    )

    spent = 151.02
    started = time.monotonic()
    await until(lambda: _used(env, "alice", spent), 60)
    print(f"all of it in the ledger {time.monotonic() - started:.1f} s later")
    assert "$151.02" in (await env.command("alice")).shown
    await env.hear("alice", "echo-1", "Is that you?")

    await env.until(lambda: not env.app.reconciler.writer.pending or None)  # type: ignore[union-attr]
    env.audit()
    for name in PEOPLE:
        row, wallet = env.database.transact(lambda session, name=name: _both(session, name))
        about = await litellm.about(name)
        assert about["max_budget"] * USD == pytest.approx(row.origin + wallet.entitlement), name
        assert about["spend"] * USD == pytest.approx(row.origin + row.booked), name

    assert env.app.reconciler is not None
    count, left = await release(GatewayOperator(env.app.reconciler), lambda _: None)
    assert (count, left) == (3, [])
    assert {name: (await litellm.about(name))["max_budget"] for name in PEOPLE} == PEOPLE


async def _used(env: SlackEnv, name: str, usd: float) -> bool:
    return env.wallet(name).used == round(usd * USD)


def _both(session: Session, name: str) -> tuple[GatewayAccount, Any]:
    member = who(session, name)
    (row,) = accounts_of(session, member.id)
    return row, wallet_of(session, member.id)
