"""The ladder on a real LiteLLM: refused on the dear model, let through on the cheap one, back after the approval.

`echo-1` is the dear model. The cheap one is added for the test, which a proxy started with STORE_MODEL_IN_DB=True allows.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession
from sqlmodel import Session

from bot.database import Database
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from handlers import requests
from models.ledger.audit import audit
from models.metering.accounts import accounts_of
from models.metering.ladder import fallback_of
from models.policy import versions
from models.quota.wallet import wallet_of
from tests.actions import ask_for, say, told
from tests.company import POLICY, settle_company, who
from tests.litellm.test_holes import FLUSHED, KEY, URL, now
from tests.litellm.test_story import PEOPLE, LiteLLM
from tests.slack_env import settled_copy

pytestmark = [
    pytest.mark.litellm,
    pytest.mark.skipif(not (URL and KEY), reason="no LiteLLM: GATEWAY_URL and GATEWAY_KEY name one"),
]
USD = 1_000_000
DEAR = "echo-1"
MORE = "fallback: {{models: [{cheap}*], amount: 20}}\nalerts: {{surge: null}}\nquiet: null\n"


@dataclass
class Company:
    """The proxy with a dear and a cheap model, Alice's key there, and one reconciler."""

    litellm: LiteLLM
    database: Database
    loop: Reconciler
    cheap: str

    async def call(self, model: str, usd: float = 0.01) -> str:
        """What becomes of a call of Alice's: `passes`, or the type of the refusal."""
        body = {
            "model": model, "max_tokens": 10, "messages": [{"role": "user", "content": f"in={round(usd * USD)} out=0"}],
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.litellm.keys['alice']}"}
        async with self.litellm.http.post(f"{URL}/v1/chat/completions", json=body, headers=headers) as answer:
            said = await answer.json()
            return "passes" if answer.status == 200 else str(said["error"]["type"])

    async def becomes(self, model: str, what: str) -> None:
        """Call until this becomes of it: LiteLLM's counters and caches are another process."""
        until = time.monotonic() + FLUSHED
        while (found := await self.call(model)) != what and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        assert found == what

    def used(self) -> tuple[float, float]:
        """Booked in all, and on the fallback."""

        def work(session: Session) -> tuple[float, float]:
            current = versions.current(session)
            assert current is not None
            alice = who(session, "alice")
            below = fallback_of(session, alice, current[1])
            return wallet_of(session, alice.id).used / USD, below.spent / USD if below else 0.0

        return self.database.transact(work)

    async def booked(self, usd: float) -> None:
        until = time.monotonic() + FLUSHED
        while self.used()[0] < usd - 0.001 and time.monotonic() < until:
            await self.loop.round()
            await asyncio.sleep(1)
        assert self.used()[0] >= usd - 0.001

    def listed(self) -> tuple[str, ...]:
        (account,) = self.database.transact(lambda session: accounts_of(session, who(session, "alice").id))
        return account.model_list.stands


@pytest.fixture(params=["user", "key", "team_member"])
async def company(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[Company]:
    cheap = f"deepseek-{uuid.uuid4().hex[:8]}"
    database = Database(settled_copy(sqlite_template, tmp_path))
    async with ClientSession() as http:
        litellm = LiteLLM(http, request.param)
        await litellm.settle()
        model = await _add_model(litellm, cheap)
        settle_company(database, POLICY + MORE.format(cheap=cheap), now())
        database.transact(lambda session: _link(session, litellm))
        opened = open_gateway("litellm", URL, KEY, http, entity=request.param)
        loop = Reconciler(database, opened, now, enforce=True, kind="litellm")
        yield Company(litellm, database, loop, cheap)
        await litellm.admin("POST", "/model/delete", json={"id": model})
    database.close()


async def _add_model(litellm: LiteLLM, name: str) -> str:
    (like,) = [
        one for one in (await litellm.admin("GET", "/model/info"))["data"] if one["model_name"] == DEAR
    ]
    params = {
        "model": f"openai/{DEAR}", "api_base": like["litellm_params"]["api_base"], "api_key": "sk-upstream-fake",
        "input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002,
    }  # fmt: skip
    try:
        made = await litellm.admin("POST", "/model/new", json={"model_name": name, "litellm_params": params})
    except AssertionError as no:
        pytest.skip(f"this proxy takes no second model; start it with STORE_MODEL_IN_DB=True: {no}")
    return str(made["model_id"])


def _link(session: Session, litellm: LiteLLM) -> None:
    for name in PEOPLE:
        member = who(session, name)
        member.gateway_id = litellm.user(name)
        session.add(member)


async def test_refused_on_the_dear_model_let_through_on_the_cheap_one_and_back(company: Company) -> None:
    """Printed: what was booked, how much of it on the fallback, and what Alice heard."""
    litellm, cheap = company.litellm, company.cheap
    await company.loop.round()
    assert await company.call(DEAR, 100.5) == "passes"
    await company.becomes(DEAR, "budget_exceeded")
    assert await company.call(cheap) == "budget_exceeded"
    await company.booked(100.5)
    await company.becomes(cheap, "passes")
    assert (await company.call(DEAR)).endswith("model_access_denied")
    assert company.listed() == (cheap,)
    assert await company.call(cheap, 3) == "passes"
    await company.booked(103.5)
    _, below = company.used()
    assert 3 <= below < 4
    code = ask_for(company.database, "alice", 60, now=now(), live=True)
    say(company.database, requests.approve, "carol", code, now=now(), live=True)
    await company.loop.changes()
    await company.becomes(DEAR, "passes")
    assert await company.call(cheap) == "passes"
    heard = [one.text.splitlines()[0] for one in told(company.database, "alice")]
    assert any(f"**{cheap}** can still be used" in one for one in heard)
    assert any("all your models are back" in one for one in heard)
    assert not company.database.transact(audit).wrong
    await company.loop.round()
    _, left = await release(GatewayOperator(company.loop), lambda _: None)
    assert left == []
    assert (await litellm.about("alice"))["max_budget"] == PEOPLE["alice"]
    spent, _ = company.used()
    print(
        f"\nthe ladder, {litellm.entity:<11} | booked {spent:>7.2f} | on the fallback {below:>5.2f} | told: {' / '.join(heard)}"
    )
