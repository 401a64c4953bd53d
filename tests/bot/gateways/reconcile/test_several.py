"""Several gateways and one balance: LiteLLM for APIs, Claude Enterprise for seats, one of them only observed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import aiohttp
import pytest
from sqlmodel import Session

from bot.database import Database
from bot.gateways.configured import GatewayConfig
from bot.gateways.fleet import Fleet
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from bot.gateways.port import GatewayError
from bot.gateways.reconcile import Reconciler
from handlers import requests
from handlers.balance import balance
from handlers.lending import lend
from models.messages.message import Message
from models.metering.gateway_account import GatewayAccount
from models.quota.wallet import Wallet, wallet_of
from sandbox.gateways.claude_enterprise import ClaudeEnterprise
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.stand_in import StandIn
from tests.actions import ask_for, say, told
from tests.company import NOW, asks, who
from tests.gateway_env import USD, clean
from tests.handlers.test_policy_effects import rules

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what asks no statement that another test here does not ask on both databases."""
NAMES = ("alice", "bob")


class Town:
    """Alice and Bob have an account at LiteLLM (`api`) and a seat at Claude Enterprise (`seats`)."""

    def __init__(
        self, database: Database, api: LiteLLM, seats: ClaudeEnterprise, http: aiohttp.ClientSession
    ) -> None:
        self.database, self.api, self.seats, self.http, self.now = database, api, seats, http, NOW
        self.seat = {name: seats.add_member(f"{name}@corp.example") for name in NAMES}

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def fleet(self, *, seats: str = "enforce") -> Fleet:
        there: list[tuple[str, str, StandIn, str]] = [
            ("api", "litellm", self.api, "enforce"),
            ("seats", "claude-enterprise", self.seats, seats),
        ]
        return Fleet(
            [
                self._loop(GatewayConfig(name=name, kind=kind, key=one.key, url=one.url, mode=mode))  # type: ignore[arg-type]
                for name, kind, one, mode in there
            ]
        )

    def _loop(self, config: GatewayConfig) -> Reconciler:
        return Reconciler(
            self.database, config.open(self.http, self.tick), self.tick,
            enforce=config.enforced, kind=config.kind, name=config.name, live=True,
        )  # fmt: skip

    def spend(self, name: str, *, api: float = 0, seat: int = 0) -> None:
        self.api.burn(f"{name}@corp.example", api)
        self.api.flush()
        self.seat[name].spent += seat * 100

    def limits(self, name: str) -> tuple[float | None, str | None]:
        return self.api.users[f"{name}@corp.example"].max_budget, self.seats.amount(self.seat[name])

    def wallet(self, name: str) -> Wallet:
        return self.database.transact(lambda session: wallet_of(session, who(session, name).id))


@pytest.fixture
async def town(company: Database, http: aiohttp.ClientSession) -> AsyncIterator[Town]:
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in NAMES}
    async with LiteLLM(users=users, clock=lambda: NOW) as api, ClaudeEnterprise(clock=lambda: NOW) as seats:
        yield Town(company, api, seats, http)


async def rounds(fleet: Fleet) -> None:
    for loop in fleet.loops:
        assert await loop.leader.lead()
        await loop.round()


async def test_spend_at_one_gateway_lowers_the_other_and_quota_says_where_it_went(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    assert town.limits("alice") == (100.0, "10000")
    town.spend("alice", api=30, seat=20)
    await rounds(fleet)
    await rounds(fleet)
    assert town.wallet("alice").available == 50 * USD
    assert town.limits("alice") == (80.0, "7000")  # what went there, and the 50 that are left

    def shown(session: Session) -> Message:
        return balance(asks(session, "alice", now=town.now))

    assert ("By gateway", "api $30.00 · seats $20.00") in town.database.transact(shown).facts
    town.database.transact(clean)


@on_sqlite
async def test_an_observed_gateway_is_booked_and_never_written(town: Town) -> None:
    fleet = town.fleet(seats="observe")
    await rounds(fleet)
    town.spend("alice", seat=40)
    await rounds(fleet)
    await rounds(fleet)
    assert town.limits("alice") == (60.0, "100000")  # its own seat tier's, as found
    assert not [route for route, _ in town.seats.bodies if route.startswith("POST")]


@on_sqlite
async def test_nothing_of_a_lender_waits_for_a_gateway_that_is_only_observed(town: Town) -> None:
    fleet = town.fleet(seats="observe")
    await rounds(fleet)
    bob = town.limits("bob")[0] or 0
    town.database.transact(
        lambda session: lend(asks(session, "alice", now=town.tick(), key="l"), who(session, "bob"), 30 * USD)
    )
    await rounds(fleet)
    assert town.limits("alice")[0] == 70.0
    assert town.limits("bob")[0] == bob + 30


async def test_a_borrower_waits_at_one_gateway_until_the_lender_is_lowered_at_the_other(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    bob = town.limits("bob")[0] or 0
    town.database.transact(
        lambda session: lend(asks(session, "alice", now=town.tick(), key="l"), who(session, "bob"), 30 * USD)
    )
    api, seats = fleet.loops
    await api.round()
    assert (town.limits("alice"), town.limits("bob")[0]) == ((70.0, "10000"), bob)
    assert not _waiting(town), "it is under way"
    town.seats.faults.fail("POST /v1/organizations/spend_limits", times=None)
    with contextlib.suppress(GatewayError):
        await seats.round()
    await api.round()
    assert _waiting(town) == ["alice", "bob"]
    town.seats.faults.clear()
    town.now += timedelta(seconds=10)
    await seats.round()
    await api.round()
    assert town.limits("bob")[0] == bob + 30
    assert town.limits("alice") == (70.0, "7000")


def _waiting(town: Town) -> list[str]:
    return [
        name for name in NAMES
        if any("has not taken" in one.text or "还没有接受" in one.text for one in told(town.database, name))
    ]  # fmt: skip


@on_sqlite
async def test_what_was_lent_also_waits_in_a_limit_that_use_elsewhere_lowers(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    api, seats = fleet.loops
    town.spend("bob", seat=69)
    await seats.round()
    town.database.transact(
        lambda session: lend(asks(session, "alice", now=town.tick(), key="l"), who(session, "bob"), 63 * USD)
    )
    await api.round()
    assert town.limits("bob")[0] == 31, "alice can still spend the 63 at her seat"
    await seats.round()
    await api.round()
    assert town.limits("bob")[0] == 94


@on_sqlite
async def test_one_gateway_that_is_down_stops_none_of_the_others(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    api, seats = fleet.loops
    town.seats.faults.fail(times=None)
    town.spend("alice", api=25)
    with pytest.raises(GatewayError):
        await seats.read()
    await api.round()
    member = town.database.transact(lambda session: who(session, "alice").id)
    town.spend("alice", api=5)
    await fleet.fresh(member)
    assert town.wallet("alice").available == 70 * USD


async def test_gateways_are_released_one_by_one(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    seats = fleet.loops[1]
    assert await release(GatewayOperator(seats), lambda _: None) == (2, [])
    assert town.limits("alice") == (100.0, "100000")
    town.spend("alice", api=10)
    await rounds(fleet)
    assert (seats.leader.enforce, fleet.loops[0].leader.enforce) == (False, True)
    assert town.limits("alice") == (100.0, "100000")


@on_sqlite
async def test_an_account_of_a_second_gateway_is_found_by_its_own_column(town: Town) -> None:
    town.seat["alice"].email = ""

    def own_column(session: Session) -> None:
        who(session, "alice").extra = {"gateway_id.seats": town.seat["alice"].id}

    town.database.transact(own_column)
    await rounds(town.fleet())
    account = f"seats:{town.seat['alice'].id}"
    owner = town.database.transact(lambda session: session.get_one(GatewayAccount, account).member_id)
    assert owner == town.database.transact(lambda session: who(session, "alice").id)


@on_sqlite
async def test_a_grant_is_called_live_only_where_it_is(town: Town) -> None:
    fleet = town.fleet()
    await rounds(fleet)
    code = ask_for(town.database, "alice", 60, now=town.tick(), live=True)
    say(town.database, requests.approve, "carol", code, now=town.tick(), live=True)
    await fleet.loops[0].changes()
    assert told(town.database, "alice")[-1].text == (
        "**$60.00** is live at api: try again there. At seats it can be used as soon as that gateway takes it."
    )


@on_sqlite
async def test_only_a_gateway_that_can_limit_models_lets_people_fall_back(town: Town) -> None:
    more = "fallback: {models: [hunyuan], amount: 20}\nalerts: {surge: null}\n"
    town.database.transact(lambda session: rules(session, more=more) and None)
    fleet = town.fleet()
    await rounds(fleet)
    town.spend("alice", api=40, seat=60)
    await rounds(fleet)
    await rounds(fleet)
    assert town.limits("alice") == (60.0, "6000"), "40 and 20 more; at the seats what was spent there"
    assert town.api.users["alice@corp.example"].models == ["hunyuan"]
    assert "**hunyuan** can still be used, up to **$20.00** more" in told(town.database, "alice")[-1].text
