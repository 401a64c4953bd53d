"""Limits go out: they are the entitlement, whatever fails, waits or is changed by hand on the way."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from bot.gateways import metrics
from bot.gateways.port import GatewayError
from handlers import brake, lending, requests
from handlers.gateway import limits
from handlers.gateway.limits import Step
from models.metering.gateway_state import GatewayState
from models.metering.limits import LimitWrite
from models.quota.leaving import leave
from models.quota.request import Request
from sandbox.gateways.stand_in import FORBIDDEN
from tests.company import CAST, NOW, who
from tests.gateway_env import USD, GatewayEnv, clean, until

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what asks no statement that another test here does not ask on both databases."""


async def test_observing_writes_nothing_and_takes_over_what_it_finds(env: GatewayEnv) -> None:
    env.burn("alice", 7.5)
    env.gateway.edit("alice@corp.example", 40.0)
    await env.reconciler(enforce=False).round()
    assert env.limit("alice") == 40.0
    assert env.row("alice").found == 40 * USD
    assert env.wallet("alice").used == 0, "what was spent before is nobody's debt"


async def test_enforcing_makes_every_limit_the_entitlement_beyond_what_was_spent_before(
    env: GatewayEnv,
) -> None:
    env.burn("alice", 7.5)
    await env.reconciler().round()
    assert env.limit("alice") == pytest.approx(107.5)
    assert env.limit("pia") == pytest.approx(500)
    assert env.limit("dan") == 0


@on_sqlite
async def test_a_round_with_nothing_changed_costs_only_pages(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    await loop.round()
    env.gateway.calls.clear()
    await loop.round()
    assert sum(env.gateway.calls.values()) == 1


async def test_a_lend_lowers_before_it_raises(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    env.gateway.bodies.clear()
    await loop.changes()
    assert [(body["user_id"], body["max_budget"]) for _, body in env.gateway.bodies] == [
        ("alice@corp.example", 50),
        ("bob@corp.example", 150),
    ]


async def test_a_borrower_is_raised_only_by_what_lenders_were_lowered_by(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    loop.writer.at_a_time = 1
    for lender in ("alice", "eve"):
        env.do(lender, lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 10 * USD))
    env.gateway.faults.fail("POST /user/update")
    env.gateway.faults.fail("GET /v2/user/info")
    await loop.changes()
    assert sorted(env.limit(name) or 0 for name in ("alice", "eve", "bob")) == pytest.approx([90, 100, 110])
    env.now += timedelta(minutes=1)
    await loop.changes()
    await loop.changes()
    assert [env.limit(name) for name in ("alice", "eve", "bob")] == pytest.approx([90, 90, 120])


async def test_a_borrower_waits_while_the_lender_cannot_be_lowered(env: GatewayEnv) -> None:
    """Over looks, rounds and restarts; both read why, once."""
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    env.gateway.faults.plan("POST /user/update", FORBIDDEN, times=None)
    await loop.changes()
    env.gateway.faults.clear()
    for again in (loop, env.reconciler()):
        env.database.transact(loop.leader.let_go)
        again.writer._resting["alice@corp.example"] = (env.now + timedelta(hours=1), 1)
        await again.changes()
        await again.round()
        assert [env.limit(name) for name in ("alice", "bob")] == [100, 100]
    assert [
        sum("has not taken" in text for text in env.told("alice")),
        sum("还没有接受" in text for text in env.told("bob")),
    ] == [1, 1]
    env.database.transact(again.leader.let_go)
    loop = env.reconciler()
    await loop.round()
    await loop.changes()
    assert [env.limit(name) for name in ("alice", "bob")] == [50, 150]


@on_sqlite
async def test_what_a_borrower_gives_back_waits_until_the_borrower_is_lowered(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    await loop.round()
    env.do("alice", lambda ctx: lending.recall(ctx, who(ctx.session, "bob"), None))
    loop.writer._resting["bob@corp.example"] = (env.now + timedelta(seconds=30), 1)
    await loop.round()
    assert [env.limit(name) for name in ("alice", "bob")] == [50, 150]
    env.now += timedelta(minutes=1)
    await loop.changes()
    await loop.round()
    assert [env.limit(name) for name in ("alice", "bob")] == [100, 100]


@on_sqlite
async def test_a_slow_gateway_is_written_one_by_one_so_that_a_decision_need_not_wait(env: GatewayEnv) -> None:
    assert [env.reconciler(calls_per_minute=calls).writer.at_a_time for calls in (40, 240, 1200)] == [1, 4, 8]


async def test_an_approved_request_is_live_only_when_the_gateway_says_so(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.gateway.faults.fail("POST /user/update", times=None)
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    await loop.changes()
    state = env.database.transact(lambda session: session.exec(select(Request.state)).one())
    assert state == "apply_failed"
    assert any("not live yet" in text for text in env.told("alice"))
    assert any("not live yet" in text for text in env.told("ops"))
    env.gateway.faults.clear()
    env.now += timedelta(minutes=1)
    await loop.changes()
    state = env.database.transact(lambda session: session.exec(select(Request.state)).one())
    assert (state, env.limit("alice")) == ("applied", pytest.approx(160))
    assert sum("live at the gateway" in text for text in env.told("alice")) == 1


@on_sqlite
async def test_a_limit_changed_by_hand_is_left_alone(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    await loop.round()
    assert env.limit("alice") == 999.0
    assert env.row("alice").edited


@on_sqlite
async def test_readyz_shows_lag_errors_and_drift(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    await loop.round()
    env.gateway.faults.fail("POST /user/update", times=None)
    env.do("carol", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    await loop.changes()
    facts = metrics.facts([loop])
    assert facts["gateway_age_seconds"] is not None
    assert (facts["gateway_mode"], facts["gateway_edited"]) == ("enforce", 1)
    assert facts["gateway_errors"] > 0
    assert facts["gateway_pending"] > 0


async def test_after_an_outage_everything_converges(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.faults.fail("*", times=None)
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    env.burn("bob", 20)
    with pytest.raises(GatewayError):
        await loop.round()
    env.gateway.faults.clear()
    await loop.round()
    await loop.round()
    assert (env.limit("alice"), env.limit("bob")) == (pytest.approx(50), pytest.approx(150))
    assert env.wallet("bob").available == 130 * USD


@on_sqlite
async def test_a_lost_reply_and_a_lost_reading_are_no_edit_by_hand(
    env: GatewayEnv,
) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    env.gateway.faults.lose_reply("POST /user/update")
    env.gateway.faults.fail("GET /v2/user/info")
    await loop.changes()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "eve"), 5 * USD))
    env.now += timedelta(minutes=1)
    await loop.round()
    assert not env.row("alice").differs
    assert [env.limit(name) for name in ("alice", "bob", "eve")] == pytest.approx([45, 150, 105])


@on_sqlite
async def test_one_account_that_the_gateway_refuses_does_not_stop_the_others(env: GatewayEnv) -> None:
    loop = env.reconciler()
    env.gateway.faults.plan("POST /user/update", FORBIDDEN)
    await loop.round()
    refused = [name for name in CAST if env.limit(name) is None]
    assert len(refused) == 1
    assert "not yours" in (env.row(refused[0]).error or "")
    env.now += timedelta(minutes=6)
    await loop.round()
    assert env.limit(refused[0]) is not None
    assert env.row(refused[0]).error is None


async def test_a_running_bot_notices_a_release_and_its_undoing_at_once(env: GatewayEnv) -> None:
    loop = env.reconciler()
    loop.every = 3600
    running = asyncio.create_task(loop.run())
    await until(lambda: env.limit("alice") == 100)

    def released(at: datetime | None) -> None:
        def work(session: Session) -> None:
            GatewayState.of(session).released_at = at

        env.database.transact(work)

    released(NOW)
    await until(lambda: not loop.leader.enforce)
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    released(None)
    await until(lambda: env.limit("alice") == 50)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_pause_is_written_at_once_and_so_is_its_end(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 20)
    await loop.round()
    env.do("alice", brake.pause)
    await loop.changes()
    assert env.limit("alice") == pytest.approx(20, abs=1e-5)
    assert env.gateway.users["alice@corp.example"].reached
    env.do("alice", brake.resume)
    await loop.changes()
    assert env.limit("alice") == pytest.approx(100)


@on_sqlite
async def test_a_pause_whose_reply_is_lost_does_not_outlive_its_end(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", brake.pause)
    env.gateway.faults.lose_reply("POST /user/update")
    env.gateway.faults.fail("GET /v2/user/info")
    await loop.changes()
    env.do("alice", brake.resume)
    await loop.changes()  # the last reading is older than the pause, and shows the limit as it ought to be
    for _ in range(3):
        env.now += timedelta(minutes=1)
        await loop.round()
    assert (env.limit("alice"), env.row("alice").edited) == (pytest.approx(100), False)


async def test_a_leaver_can_spend_nothing_more_and_late_spend_is_the_organisations(
    env: GatewayEnv,
) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 20)
    await loop.round()
    env.database.transact(lambda session: leave(session, who(session, "alice"), env.now))
    env.burn("alice", 3)
    await loop.round()
    assert env.limit("alice") == pytest.approx(23, abs=1e-5)
    assert env.wallet("alice").available == 0
    env.database.transact(clean)


@on_sqlite
async def test_a_grant_during_a_write_is_live_only_with_the_next_write(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 50 * USD))
    env.do("bob", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    await loop.writer._write(LimitWrite("alice@corp.example", 0, 50 * USD, raises=False, urgent=True))
    step = env.database.transact(
        lambda session: limits.begin_write(
            loop.ledger.context(session, "begin"), "bob@corp.example", loop.writer.traits, None
        )
    )
    assert step == Step(total=150 * USD)
    found = await loop.gateway.set_total("bob@corp.example", 150 * USD)
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    env.database.transact(
        lambda session: limits.written(
            loop.ledger.context(session, "written"), found, Step(150 * USD), loop.writer.traits
        )
    )
    assert not [text for text in env.told("bob") if "已在网关生效" in text]
    await loop.changes()
    assert env.limit("bob") == 210
    assert sum("已在网关生效" in text for text in env.told("bob")) == 1


@on_sqlite
async def test_requester_and_admins_hear_that_a_grant_waits_behind_an_edited_limit(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    await loop.round()
    env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    await loop.changes()
    assert any(text.startswith("Your $60.00") and "changed the limit" in text for text in env.told("alice"))
    assert any(text.startswith("Alice's $60.00") for text in env.told("ops"))


@on_sqlite
async def test_a_grant_that_waits_for_an_admin_is_not_compared_at_every_look(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    await loop.changes()
    await loop.read()  # the decision is no news any more
    commits: list[object] = []
    event.listen(env.database.engine, "commit", commits.append)
    await loop.changes()
    assert not commits
