"""Ways around the books, tried on a real LiteLLM: what was spent, what was booked, what admins were told."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlmodel import Session, select

from bot.database import Database
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from handlers import brake, lending
from models.messages.outbox import Effect
from models.metering.accounts import accounts_of
from models.quota.wallet import wallet_of
from tests.actions import say
from tests.company import POLICY, settle_company, who
from tests.slack_env import settled_copy

URL, KEY = os.environ.get("GATEWAY_URL", ""), os.environ.get("GATEWAY_KEY", "")
pytestmark = [
    pytest.mark.litellm,
    pytest.mark.skipif(not (URL and KEY), reason="no LiteLLM: GATEWAY_URL and GATEWAY_KEY name one"),
]
USD = 1_000_000
FLUSHED = 40.0
"""Seconds within which LiteLLM writes what was spent to its database."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """One reconciler on a real proxy; Alice and Bob are new users there."""

    http: ClientSession
    database: Database
    entity: str = "user"
    tail: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        opened = open_gateway("litellm", URL, KEY, self.http, entity=self.entity)
        self.loop = Reconciler(self.database, opened, now, enforce=True, kind="litellm")

    def user(self, name: str) -> str:
        return f"{name}-{self.tail}"

    async def admin(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self.http.request(method, URL + path, headers=headers, **more) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def settle(self) -> None:
        for name in ("alice", "bob"):
            await self.admin("POST", "/user/new", json={"user_id": self.user(name), "auto_create_key": False})
            self.database.transact(lambda session, name=name: self._link(session, name))

    def _link(self, session: Session, name: str) -> None:
        member = who(session, name)
        member.gateway_id = self.user(name)
        session.add(member)

    async def key(self, name: str, **more: Any) -> str:
        made = await self.admin("POST", "/key/generate", json={"user_id": self.user(name), **more})
        return str(made["key"])

    async def call(self, key: str, usd: float) -> bool:
        body = {
            "model": "echo-1",
            "max_tokens": 10,
            "messages": [{"role": "user", "content": f"in={round(usd * USD)} out=0"}],
        }
        headers = {"Authorization": f"Bearer {key}"}
        async with self.http.post(f"{URL}/v1/chat/completions", json=body, headers=headers) as answer:
            return answer.status == 200

    async def budget(self, name: str) -> float | None:
        found = await self.admin("GET", "/v2/user/info", params={"user_id": self.user(name)})
        return found["max_budget"]  # type: ignore[no-any-return]

    def used(self, name: str) -> float:
        wallet = self.database.transact(lambda session: wallet_of(session, who(session, name).id))
        return wallet.used / USD

    async def booked(self, name: str, usd: float) -> float:
        """Rounds until so much is booked, or LiteLLM has surely written it."""
        until = time.monotonic() + FLUSHED
        while self.used(name) < usd - 0.001 and time.monotonic() < until:
            await self.loop.round()
            await asyncio.sleep(1)
        return self.used(name)

    def told(self, name: str) -> list[str]:
        def said(session: Session) -> list[str]:
            rows = session.exec(select(Effect).where(Effect.kind == "say")).all()
            mine = who(session, name).id
            return [row.payload["message"]["text"] for row in rows if row.payload["reader"] == mine]

        return self.database.transact(said)


@pytest.fixture
async def world(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[World]:
    database = Database(settled_copy(sqlite_template, tmp_path))
    settle_company(database, f"{POLICY}quiet: null\n", now())
    async with ClientSession() as http:
        made = World(http, database, getattr(request, "param", "user"))
        await made.settle()
        yield made
    database.close()


def line(hole: str, spent: float, booked: float, told: str) -> None:
    print(f"\n{hole:<34} | spent {spent:>7.2f} | booked {booked:>7.2f} | told: {told[:90]}")


@pytest.mark.parametrize("world", ["key"], indirect=True)
async def test_a_new_key_is_booked_and_a_regenerated_one_goes_on(world: World) -> None:
    first = await world.key("alice", key_alias=f"laptop-{world.tail}", max_budget=70)
    await world.loop.round()
    second = await world.key("alice", key_alias=f"robot-{world.tail}")
    assert await world.call(second, 50)
    booked = await world.booked("alice", 50)
    line("1 a key that appears later", 50, booked, "-")
    assert booked == pytest.approx(50)
    assert await world.call(first, 10)
    assert await world.booked("alice", 60) == pytest.approx(60)
    before = world.database.transact(
        lambda session: [one.id for one in accounts_of(session, who(session, "alice").id)]
    )
    try:
        new = (await world.admin("POST", f"/key/{first}/regenerate", json={}))["key"]
    except AssertionError as no:
        print(f"\n4 rotation: not here: {str(no)[:120]}")
        return
    assert await world.call(new, 5)
    booked = await world.booked("alice", 65)
    after = world.database.transact(
        lambda session: [one.id for one in accounts_of(session, who(session, "alice").id)]
    )
    line("4 a regenerated key", 65, booked, f"{len(before)} accounts before, {len(after)} after")
    assert booked == pytest.approx(65)
    assert len(after) == len(before)
    await release(GatewayOperator(world.loop), lambda _: None)
    info = (await world.admin("GET", "/key/info", params={"key": new}))["info"]
    assert info["max_budget"] == 70


async def test_a_user_deleted_and_made_again_is_limited_and_told(world: World) -> None:
    await world.key("alice")
    await world.loop.round()
    assert await world.budget("alice") == 100
    await world.admin("POST", "/user/delete", json={"user_ids": [world.user("alice")]})
    await world.admin("POST", "/user/new", json={"user_id": world.user("alice"), "auto_create_key": False})
    await world.loop.round()
    told = [text for text in world.told("ops") if "no limit any more" in text]
    line("2 deleted and made again", 0, world.used("alice"), told[0] if told else "nothing")
    assert await world.budget("alice") == 100
    assert len(told) == 1
    await world.admin("POST", "/user/delete", json={"user_ids": [world.user("alice")]})
    for _ in range(3):
        await world.loop.round()
    told = [text for text in world.told("ops") if "No longer at the gateway" in text]
    line("2 deleted", 0, world.used("alice"), told[0] if told else "nothing")
    assert len(told) == 1


async def test_a_borrower_waits_for_the_lender(world: World) -> None:
    await world.loop.round()
    world.loop.writer.gateway = Stubborn(world.loop.gateway, world.user("alice"))  # type: ignore[assignment]
    say(world.database, lending.lend, "alice", "bob", 50 * USD, now=now(), live=True)
    for _ in range(3):
        await world.loop.changes()
        await world.loop.round()
    told = [text for text in world.told("alice") if "has not taken" in text]
    both = (await world.budget("alice") or 0) + (await world.budget("bob") or 0)
    line(f"5 lender cannot be lowered ({both:.0f})", 0, 0, told[0] if told else "nothing")
    assert both == 200
    assert len(told) == 1


class Stubborn:
    """The same gateway, but one account's limit cannot be written."""

    def __init__(self, gateway: Any, account: str) -> None:
        self._gateway, self._account = gateway, account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def set_total(self, id: str, total: int) -> Any:  # noqa: A002
        from bot.gateways.port import GatewayError  # noqa: PLC0415

        if id == self._account:
            raise GatewayError("not now")
        return await self._gateway.set_total(id, total)


async def test_an_edit_by_hand_reaches_the_admins(world: World) -> None:
    await world.loop.round()
    await world.admin("POST", "/user/update", json={"user_id": world.user("alice"), "max_budget": 999})
    for _ in range(2):
        await world.loop.round()
    told = [text for text in world.told("ops") if "changed the limit" in text]
    line("6 a limit changed by hand", 0, 0, told[0] if told else "nothing")
    assert len(told) == 1
    assert "$999.00" in told[0]


async def test_a_manager_stops_somebody_at_once_and_lets_them_go_on(world: World) -> None:
    key = await world.key("alice")
    await world.loop.round()
    assert await world.call(key, 10)
    assert await world.booked("alice", 10) == pytest.approx(10)
    for stops, act in ((True, brake.pause), (False, brake.resume)):
        say(world.database, act, "carol", "alice", now=now(), live=True)
        await world.loop.changes()
        until = time.monotonic() + FLUSHED
        while await world.call(key, 0.01) is stops and time.monotonic() < until:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.5)
        assert await world.call(key, 0.01) is not stops
    told = [text for text in world.told("alice") if "Carol" in text]
    line("the brake", 10, world.used("alice"), " / ".join(told))
    assert len(told) == 2
