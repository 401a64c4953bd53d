"""The ledger against a gateway: spend comes in, limits go out, and no failure on the way mints, loses or doubles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.demo.gateways.litellm import LiteLLM
from bot.gateways import GatewayError, open_gateway
from bot.reconcile import Reconciler
from handlers import lending, requests
from models.audit import audit
from models.gateway import GatewayAccount
from models.ledger import Kind, Transfer
from models.outbox import Effect
from models.request import Request
from models.wallet import Wallet, wallet_of
from tests.town import CAST, NOW, asks, settle_town, who

USD = 1_000_000


class Stage:
    """A town, a LiteLLM stand-in in which everybody has a key, and the reconciler between them."""

    def __init__(self, database: Database, gateway: LiteLLM, http: aiohttp.ClientSession) -> None:
        self.database, self.gateway, self.http, self.now = database, gateway, http, NOW
        self.keys = {name: gateway.add_key(f"{name}@corp.example") for name in CAST}

    def reconciler(self, *, enforce: bool = True) -> Reconciler:
        opened = open_gateway(
            "litellm",
            self.gateway.url,
            self.gateway.key,
            self.http,
            clock=self.tick,
            calls_per_minute=100_000,
        )
        return Reconciler(self.database, opened, self.tick, enforce=enforce)

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def wallet(self, name: str) -> Wallet:
        return self.database.transact(lambda session: wallet_of(session, who(session, name).id))

    def limit(self, name: str) -> float | None:
        return self.gateway.users[f"{name}@corp.example"].max_budget

    def row(self, name: str) -> GatewayAccount:
        return self.database.transact(lambda session: session.get_one(GatewayAccount, f"{name}@corp.example"))

    def do(self, name: str, what: Callable[[Any], object]) -> object:
        return self.database.transact(
            lambda session: what(asks(session, name, now=self.now, key=str(self.tick()), live=True))
        )

    def told(self, name: str) -> list[str]:
        def said(session: Session) -> list[str]:
            member = who(session, name).id
            rows = session.exec(select(Effect).where(Effect.kind == "say")).all()
            return [row.payload["message"]["text"] for row in rows if row.payload["reader"] == member]

        return self.database.transact(said)

    def burn(self, name: str, usd: float) -> None:
        self.gateway.burn(f"{name}@corp.example", usd, key=self.keys[name])
        self.gateway.flush()


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    settle_town(database)
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in CAST}
    async with LiteLLM(users=users) as gateway, aiohttp.ClientSession() as http:
        yield Stage(database, gateway, http)


async def test_observing_writes_nothing_and_takes_over_what_it_finds(stage: Stage) -> None:
    stage.burn("alice", 7.5)
    stage.gateway.edit("alice@corp.example", 40.0)
    await stage.reconciler(enforce=False).round()
    assert stage.limit("alice") == 40.0
    assert stage.row("alice").found == 40 * USD
    assert stage.wallet("alice").used == 0, "what was spent before is nobody's debt"


async def test_enforcing_makes_every_limit_the_entitlement_beyond_what_was_spent_before(stage: Stage) -> None:
    stage.burn("alice", 7.5)
    await stage.reconciler().round()
    assert stage.limit("alice") == pytest.approx(107.5)
    assert stage.limit("pia") == pytest.approx(500)
    assert stage.limit("dan") == 0


async def test_spend_flows_back_and_leaves_the_limit_where_it_is(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 30)
    await loop.round()
    assert stage.wallet("alice").available == 70 * USD
    assert stage.limit("alice") == pytest.approx(100)
    await loop.round()
    assert stage.wallet("alice").used == 30 * USD


async def test_a_round_with_nothing_changed_costs_only_pages(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    await loop.round()
    stage.gateway.calls.clear()
    await loop.round()
    assert sum(stage.gateway.calls.values()) == 1


async def test_a_lend_lowers_before_it_raises(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    stage.gateway.calls.clear()
    writes = await stage.database.run(
        lambda session: loop._writes(session, [who(session, "alice").id, who(session, "bob").id])
    )
    assert [write.raises for write in writes] == [False, True]
    await loop.changes()
    assert (stage.limit("alice"), stage.limit("bob")) == (pytest.approx(50), pytest.approx(150))


async def test_an_approved_request_is_live_only_when_the_gateway_says_so(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = stage.database.transact(lambda session: session.exec(select(Request.code)).one())
    stage.gateway.trouble.fail("POST /user/update", times=None)
    stage.do("carol", lambda ctx: requests.approve(ctx, code))
    with pytest.raises(GatewayError):
        await loop.changes()
    state = stage.database.transact(lambda session: session.exec(select(Request.state)).one())
    assert state == "apply_failed"
    assert any("not live yet" in text for text in stage.told("alice"))
    assert any("not live yet" in text for text in stage.told("ops"))
    stage.gateway.trouble.clear()
    await loop.changes()
    state = stage.database.transact(lambda session: session.exec(select(Request.state)).one())
    assert (state, stage.limit("alice")) == ("applied", pytest.approx(160))
    assert sum("live at the gateway" in text for text in stage.told("alice")) == 1


async def test_a_limit_changed_by_hand_is_left_alone(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    await loop.round()
    assert stage.limit("alice") == 999.0
    assert stage.row("alice").edited


async def test_a_reset_by_the_gateway_mints_nothing(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 30)
    await loop.round()
    stage.gateway.reset("alice@corp.example")
    await loop.round()
    await loop.round()
    await loop.round()
    assert stage.wallet("alice").available == 70 * USD
    assert stage.limit("alice") == pytest.approx(70)


async def test_overspend_lands_in_the_overdraft_and_the_limit_stays_below_what_was_spent(
    stage: Stage,
) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 130)
    await loop.round()
    assert stage.wallet("alice").overdraft == -30 * USD
    assert stage.limit("alice") == pytest.approx(100)
    stage.database.transact(lambda session: _clean(session))


async def test_somebody_is_told_what_burns_once_a_level(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 85)
    await loop.round()
    stage.burn("alice", 1)
    await loop.round()
    levels = [text for text in stage.told("alice") if "80%" in text]
    surges = [text for text in stage.told("alice") if "Is that you?" in text]
    assert (len(levels), len(surges)) == (1, 1)


async def test_a_paused_person_is_refused_by_the_gateway_and_can_go_on(stage: Stage) -> None:
    from handlers import metering  # noqa: PLC0415

    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 20)
    await loop.round()
    stage.do("alice", metering.pause)
    await loop.round()
    assert stage.limit("alice") == pytest.approx(20)
    stage.do("alice", metering.keep_going)
    await loop.round()
    assert stage.limit("alice") == pytest.approx(100)


async def test_after_an_outage_everything_converges(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.gateway.trouble.fail("*", times=None)
    stage.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    stage.burn("bob", 20)
    with pytest.raises(GatewayError):
        await loop.round()
    stage.gateway.trouble.clear()
    await loop.round()
    await loop.round()
    assert (stage.limit("alice"), stage.limit("bob")) == (pytest.approx(50), pytest.approx(150))
    assert stage.wallet("bob").available == 130 * USD


async def test_usage_by_model_is_kept_and_never_doubled(stage: Stage) -> None:
    loop = stage.reconciler()
    await loop.round()
    stage.burn("alice", 5)
    await loop.round()
    await loop.usage(NOW)
    await loop.usage(NOW)
    moved = stage.database.transact(
        lambda session: session.exec(select(Transfer.amount).where(Transfer.kind == Kind.USE)).all()
    )
    assert sum(moved) == 5 * USD


def _clean(session: Session) -> None:
    assert not audit(session).wrong
