"""What people read of the gateway is true when they read it: live, being retried, paused, used up."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.gateways.port import GatewayError
from handlers import brake, lending, requests
from models.quota.request import Request
from tests.actions import say
from tests.company import who
from tests.gateway_env import USD, GatewayEnv


async def granted(env: GatewayEnv, name: str, usd: int) -> str:
    """Ask carol, who approves at once."""
    env.do(name, lambda ctx: requests.request(ctx, usd * USD, "load test"))
    codes = env.database.transact(
        lambda session: session.exec(select(Request.code).order_by(col(Request.id))).all()
    )
    env.do("carol", lambda ctx: requests.approve(ctx, codes[-1]))
    return codes[-1]


def speak_english(env: GatewayEnv, *names: str) -> None:
    def choose(session: Session) -> None:
        for name in names:
            who(session, name).choose_language(session, "en")

    env.database.transact(choose)


async def test_a_grant_that_only_fills_an_overdraft_does_not_say_try_again(env: GatewayEnv) -> None:
    speak_english(env, "bob")
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 135)
    env.burn("bob", 135)
    await loop.round()
    for name in ("alice", "bob"):
        assert any(
            "It takes more than **$35.00** until your calls pass again." in one for one in env.told(name)
        )
    await granted(env, "alice", 10)
    await granted(env, "bob", 60)
    await loop.changes()
    told = env.told("alice")
    assert not any("Try again" in one for one in told)
    assert told[-1].startswith("**$10.00** is live at the gateway, but you have nothing left to spend.")
    assert told[-1].endswith("It takes more than **$25.00** until your calls pass again.")
    assert "You have $0.00 left." in told[-2]
    assert "**$60.00** is live at the gateway. Try again now." in env.told("bob")[-1]


async def test_a_grant_of_a_paused_member_says_what_lifts_the_pause(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", brake.pause)
    await granted(env, "alice", 10)
    await loop.changes()
    assert env.told("alice")[-1].startswith("**$10.00** is yours. You are paused")


async def test_a_limit_edited_by_hand_is_no_retry_and_each_reads_what_to_do(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit("alice@corp.example", 999.0)
    await loop.round()
    await loop.round()
    await granted(env, "alice", 60)
    await loop.changes()
    (mine,) = (one for one in env.told("alice") if "not live yet" in one)
    (theirs,) = (one for one in env.told("ops") if "not live yet" in one)
    assert mine.endswith("An admin has to say which limit counts.")
    assert "`quotabot gateway restore alice@corp.example`" in theirs
    assert not any("retried" in one for one in (mine, theirs))


async def test_a_refused_write_is_being_retried(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.faults.fail("POST /user/update", times=None)
    await granted(env, "alice", 60)
    await loop.changes()
    assert any(one.endswith("It is being retried.") for one in env.told("alice"))


@pytest.mark.parametrize("enforce", [True, False])
async def test_only_where_the_gateway_enforces_can_one_pause(env: GatewayEnv, *, enforce: bool) -> None:
    loop = env.reconciler(enforce=enforce)
    await loop.round()
    env.burn("alice", 85)
    await loop.round()
    assert any("used 85%" in one for one in env.told("alice"))
    offered = {button["action"] for one in env.messages("alice") for button in one["buttons"]}
    assert ("surge.pause" in offered) == enforce
    answer = env.answer("alice", brake.pause, live=enforce).text
    paused = env.database.transact(lambda session: who(session, "alice").paused_at is not None)
    assert paused == enforce
    assert ("I can't stop your calls" in answer) != enforce


async def test_every_hold_is_told_not_only_the_first(env: GatewayEnv) -> None:
    """The lenders' limits cannot be lowered, so neither borrower's is raised, and each of them hears why."""
    loop = env.reconciler()
    await loop.round()
    env.gateway.faults.fail("POST /user/update", times=None)
    for lender, borrower in (("alice", "bob"), ("eve", "max")):
        say(env.database, lending.lend, lender, borrower, 20 * USD, now=env.tick(), live=True)
        with contextlib.suppress(GatewayError):
            await loop.changes()
    for name in ("bob", "max"):
        assert any("cannot be used yet" in one or "暂时不能用" in one for one in env.told(name)), name


async def test_a_gateway_that_is_away_while_the_database_is_ends_no_loop(env: GatewayEnv) -> None:
    loop = env.reconciler()
    assert await loop.turn() > 0
    env.gateway.faults.fail(times=None)
    loop._due = 0.0

    def lose(_: object, __: object, statement: str, *___: object) -> None:
        if "problem=" in statement:
            raise OperationalError(statement, None, Exception("the connection is lost"))

    event.listen(env.database.engine, "before_cursor_execute", lose)
    assert await loop.turn() > 0
    event.remove(env.database.engine, "before_cursor_execute", lose)
    assert await loop.turn() > 0
