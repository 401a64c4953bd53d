"""The ladder at a gateway: from every model to the fallback's when own quota ends, and back with the next quota."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from bot.gateways.reconcile import Reconciler
from handlers import balance, brake, lending, requests
from models.ledger.transfer import Kind, Transfer
from models.quota.allocation import allowance_of
from models.quota.period import Period
from models.quota.request import Request
from sandbox.gateways.stand_in import FORBIDDEN
from tests.company import who
from tests.gateway_env import USD, GatewayEnv, clean
from tests.handlers.test_policy_effects import rules

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
FALLBACK = "fallback: {models: [hun*], amount: 20}\nalerts: {surge: null}\n"


@pytest.fixture
async def loop(env: GatewayEnv) -> Reconciler:
    env.database.transact(lambda session: rules(session, more=FALLBACK) and None)
    found = env.reconciler()
    await found.round()
    return found


def stands(env: GatewayEnv, name: str) -> tuple[float | None, list[str]]:
    user = env.gateway.users[f"{name}@corp.example"]
    return None if user.max_budget is None else round(user.max_budget, 3), user.models


def paid(env: GatewayEnv, name: str) -> float:
    """What the organisation paid for the fallback: the sum of the allowance, which is that of its transfers."""

    def sums(session: Session) -> tuple[int, int]:
        allowance = allowance_of(session, who(session, name).id, Period.current(session).id)
        moved = session.exec(select(Transfer.amount).where(col(Transfer.kind) == Kind.FALLBACK)).all()
        return allowance.fallback if allowance else 0, sum(moved)

    kept, moved = env.database.transact(sums)
    assert kept == moved
    return kept / USD


async def test_own_quota_ends_on_the_fallback_up_to_its_amount_and_comes_back(
    env: GatewayEnv, loop: Reconciler
) -> None:
    assert stands(env, "alice") == (100, [])
    env.burn("alice", 101)
    await loop.round()
    assert stands(env, "alice") == (120, ["hunyuan"]), "one call passed over the end: that is 1 of the 20"
    env.burn("alice", 12)
    await loop.round()
    assert (paid(env, "alice"), env.wallet("alice").overdraft) == (12, -USD)
    assert stands(env, "alice") == (120, ["hunyuan"])
    env.burn("alice", 8)
    await loop.round()
    assert (paid(env, "alice"), env.wallet("alice").overdraft) == (20, -USD)
    assert stands(env, "alice") == (120, ["hunyuan"]), "the wall"
    env.do("bob", lambda ctx: lending.lend(ctx, who(ctx.session, "alice"), 30 * USD))
    await loop.changes()
    assert stands(env, "alice") == (150, ["all-proxy-models"])
    assert not env.row("alice").model_list.ours
    env.database.transact(clean)


@on_sqlite
async def test_the_list_is_narrowed_before_the_limit_is_raised_and_widened_after_it_is_lowered(
    env: GatewayEnv, loop: Reconciler
) -> None:
    env.burn("alice", 100)
    env.gateway.bodies.clear()
    await loop.round()
    env.do("bob", lambda ctx: lending.lend(ctx, who(ctx.session, "alice"), 5 * USD))
    await loop.changes()
    written = [body for _, body in env.gateway.bodies if body["user_id"].startswith("alice")]
    assert written == [
        {"user_id": "alice@corp.example", "models": ["hunyuan"]},
        {"user_id": "alice@corp.example", "max_budget": 120},
        {"user_id": "alice@corp.example", "max_budget": 100},  # the 5 are still bob's
        {"user_id": "alice@corp.example", "max_budget": 105},
        {"user_id": "alice@corp.example", "models": ["all-proxy-models"]},
    ]


@on_sqlite
async def test_while_the_list_cannot_be_narrowed_nothing_is_raised(env: GatewayEnv, loop: Reconciler) -> None:
    env.burn("alice", 100)
    env.gateway.faults.plan("POST /user/update", FORBIDDEN, times=None)
    await loop.round()
    env.database.transact(loop.leader.let_go)
    again = env.reconciler()
    await again.round()
    assert stands(env, "alice") == (100, [])
    env.gateway.faults.clear()
    env.now += timedelta(minutes=6)
    await again.round()
    assert stands(env, "alice") == (120, ["hunyuan"]), "after a restart as well"


@on_sqlite
async def test_a_lost_reply_of_a_list_is_no_edit_and_an_edit_is_left_alone_until_an_admin_decides(
    env: GatewayEnv, loop: Reconciler
) -> None:
    env.burn("alice", 100)
    env.gateway.faults.lose_reply("POST /user/update")
    env.gateway.faults.fail("GET /v2/user/info")
    await loop.round()
    assert stands(env, "alice") == (100, ["hunyuan"])
    env.now += timedelta(minutes=1)
    await loop.round()
    assert stands(env, "alice") == (120, ["hunyuan"])
    env.gateway.users["alice@corp.example"].models = []
    await loop.round()
    assert stands(env, "alice") == (100, []), "the fallback's amount is for its models only"
    await loop.round()
    await loop.round()
    assert stands(env, "alice") == (100, [])
    assert sum("list of models" in text for text in env.told("ops")) == 1
    env.database.transact(lambda session: _restore(session, env))
    await loop.changes()
    assert stands(env, "alice") == (120, ["hunyuan"])


def _restore(session: Session, env: GatewayEnv) -> None:
    from models.metering.gateway_account import GatewayAccount  # noqa: PLC0415

    session.get_one(GatewayAccount, "alice@corp.example").restore()


@on_sqlite
async def test_a_pause_wins_over_the_fallback(env: GatewayEnv, loop: Reconciler) -> None:
    env.burn("alice", 104)
    await loop.round()
    env.do("alice", brake.pause)
    await loop.changes()
    assert stands(env, "alice") == (104, ["hunyuan"])
    assert env.gateway.users["alice@corp.example"].reached
    env.do("alice", brake.resume)
    await loop.changes()
    assert stands(env, "alice") == (120, ["hunyuan"])


@on_sqlite
async def test_a_lender_who_cannot_be_lowered_gets_no_fallback_out_of_what_was_lent(
    env: GatewayEnv, loop: Reconciler
) -> None:
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 80 * USD))
    env.gateway.faults.plan("POST /user/update", FORBIDDEN, times=None)
    await loop.changes()
    env.burn("alice", 100)
    await loop.round()
    assert (stands(env, "alice"), stands(env, "bob")) == ((100, []), (100, []))
    env.gateway.faults.clear()
    env.now += timedelta(minutes=6)
    await loop.round()
    assert env.wallet("alice").overdraft == -80 * USD
    assert stands(env, "alice") == (20, ["hunyuan"]), "80 beyond own quota is more than 20"


@on_sqlite
async def test_release_puts_the_lists_back_as_they_were_found(env: GatewayEnv) -> None:
    env.gateway.users["alice@corp.example"].models = ["claude-opus-5", "hunyuan"]
    env.database.transact(lambda session: rules(session, more=FALLBACK) and None)
    loop = env.reconciler()
    await loop.round()
    assert stands(env, "alice") == (100, ["claude-opus-5", "hunyuan"])
    env.burn("alice", 100)
    await loop.round()
    assert stands(env, "alice") == (120, ["hunyuan"])
    env.database.transact(loop.leader.let_go)  # nobody else writes, so nothing is waited for
    _, left = await release(GatewayOperator(loop), lambda _: None)
    assert left == []
    assert stands(env, "alice") == (None, ["claude-opus-5", "hunyuan"])


@on_sqlite
async def test_the_next_period_begins_with_every_model_and_a_whole_fallback(
    env: GatewayEnv, loop: Reconciler
) -> None:
    env.burn("alice", 110)
    await loop.round()
    env.burn("alice", 4)
    await loop.round()
    env.now += timedelta(days=23)
    env.turn()
    await loop.round()
    assert stands(env, "alice") == (204, ["all-proxy-models"]), (
        "10 of the new quota fill what Claude overspent"
    )
    assert (paid_now := env.wallet("alice").available) == 90 * USD, paid_now


@on_sqlite
async def test_an_allocation_may_name_models_and_borrowed_quota_is_for_these_too(env: GatewayEnv) -> None:
    swap = (
        "  - match: {employment: contractor}\n    amount: 0\n",
        "  - match: {employment: contractor}\n    amount: 30\n    models: [gpt-*]\n",
    )
    env.database.transact(lambda session: rules(session, swap) and None)
    loop = env.reconciler()
    await loop.round()
    assert stands(env, "dan") == (0, ["gpt-5.5-mini"])
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "dan"), 5 * USD))
    await loop.changes()
    assert stands(env, "dan") == (5, ["gpt-5.5-mini"])
    assert stands(env, "alice") == (95, [])


@on_sqlite
async def test_models_that_the_gateway_does_not_have_keep_the_account_closed(env: GatewayEnv) -> None:
    swap = ("  - match: {}\n    amount: 100\n", "  - match: {}\n    amount: 100\n    models: [internal-*]\n")
    env.database.transact(lambda session: rules(session, swap) and None)
    env.burn("alice", 7)
    await env.reconciler().round()
    assert stands(env, "alice") == (7, [])
    assert env.gateway.users["alice@corp.example"].reached


@on_sqlite
async def test_a_grant_is_live_only_when_every_model_is_back(env: GatewayEnv, loop: Reconciler) -> None:
    env.burn("alice", 100)
    await loop.round()
    env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    env.gateway.faults.plan("POST /user/update", FORBIDDEN, after=1)
    await loop.changes()
    assert stands(env, "alice") == (160, ["hunyuan"])
    assert not _live(env)
    env.now += timedelta(minutes=6)
    await loop.changes()
    assert stands(env, "alice") == (160, ["all-proxy-models"])
    assert len(_live(env)) == 1


def _live(env: GatewayEnv) -> list[Any]:
    return [text for text in env.told("alice") if "live at the gateway" in text and "not live" not in text]


async def test_people_hear_which_models_go_on_and_that_all_are_back(
    env: GatewayEnv, loop: Reconciler
) -> None:
    """Once each, when it is so: while the gateway is still to be written, nothing is promised."""
    env.burn("alice", 101)
    await loop.read()
    assert not env.told("alice")
    await loop.writer.write()
    (used_up,) = env.messages("alice")
    assert used_up["text"].startswith(
        "Your own quota is used up; **hunyuan** can still be used, up to **$19.00** more."
    )
    assert [one["action"] for one in used_up["buttons"]] == ["request.open", "borrow.open"]
    balance_ = env.answer("alice", balance.balance, live=True)
    assert balance_.text.startswith(
        "Your own quota is used up; **hunyuan** can still be used, up to **$19.00** more."
    )
    assert "calls pass" not in balance_.text
    sent = env.do("alice", lambda ctx: requests.request(ctx, 60 * USD, "load test"))
    assert "Meanwhile hunyuan can still be used, up to $19.00 more." in str(sent)
    env.burn("alice", 12)
    await loop.round()
    facts = dict(env.answer("alice", balance.balance, live=True).facts)
    assert (facts["Used"], facts["Beyond own quota"]) == (
        "$101.00, $1.00 more than there was",
        "$12.00 of $20.00, on hunyuan",
    )
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.do("carol", lambda ctx: requests.approve(ctx, code))
    await loop.changes()
    assert (
        env.told("alice")[-1]
        == "**$60.00** is live at the gateway, and all your models are back. Try again now."
    )
    env.burn("alice", 59)
    await loop.round()
    assert "up to **$8.00** more" in env.told("alice")[-1], "told again after the grant is used up"
    env.burn("alice", 8)
    await loop.round()
    assert env.told("alice")[-1].startswith(
        "The **$20.00** beyond your own quota, on hunyuan, are used up as well."
    )
    assert len(env.told("alice")) == 5


@on_sqlite
async def test_where_the_gateway_refuses_the_list_people_hear_only_that_quota_is_used_up(
    env: GatewayEnv, loop: Reconciler
) -> None:
    env.burn("bob", 101)
    env.gateway.faults.plan("POST /user/update", FORBIDDEN, times=None)
    await loop.round()
    (said,) = env.told("bob")
    assert said.startswith("你的额度已用完。")
    assert "hunyuan" not in said.splitlines()[0]
    env.gateway.faults.clear()
    env.now += timedelta(minutes=6)
    await loop.round()
    assert env.told("bob")[-1].startswith("自有额度已用完；**hunyuan** 还可使用，最多 **$19.00**。")
