"""COMMIT was sent, the connection is cut, the database is away: nobody guesses, and the person hears what became of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.cut_proxy import CutProxy, cut_proxy
from tests.slack_env import SlackEnv, open_env

AWAY = 2.5
UNKNOWN = "can't tell yet"


@pytest.fixture
def proxy(settled_on: Callable[[str], str]) -> Iterator[CutProxy]:
    with cut_proxy(make_url(settled_on("postgres"))) as proxy:
        yield proxy


@pytest.fixture(params=["socket", "http"])
async def env(request: pytest.FixtureRequest, proxy: CutProxy) -> AsyncIterator[SlackEnv]:
    async with open_env(proxy.url, mode=request.param) as env:
        await env.command("alice", "lend @eve 1")  # who they are is known for an hour
        await env.settled()
        yield env


async def back_after(proxy: CutProxy, seconds: float) -> None:
    await asyncio.sleep(seconds)
    proxy.away = False


async def cut(env: SlackEnv, proxy: CutProxy, words: str, *, arrives: bool) -> asyncio.Task[None]:
    """Say `words`, and cut at its COMMIT; the database is back later."""
    proxy.cut_at_commit(arrives=arrives)
    with env.impatient(commit=2.0):
        asking = asyncio.create_task(env.command("alice", words))
        await env.until(lambda: proxy.away)
        back = asyncio.create_task(back_after(proxy, AWAY))
        answer = await asking
    assert UNKNOWN in answer.shown
    assert "nothing" not in answer.shown
    return back


async def test_what_was_committed_all_the_same_is_told_and_happened_once(
    env: SlackEnv, proxy: CutProxy
) -> None:
    back = await cut(env, proxy, "lend @bob 20", arrives=True)
    await back
    told = await env.hear("alice", "Now I know", "went through")
    assert "You lent *$20.00*" in told.shown
    assert env.left("alice") == 79
    again = await env.command("alice", "lend @bob 20")
    assert "confirm.yes" in again.actions
    assert env.left("alice") == 79
    await env.settled()
    assert len([one for one in env.heard("bob") if "$20.00" in one]) == 1
    env.audit()


async def test_what_was_not_committed_is_told_and_can_be_sent_again(env: SlackEnv, proxy: CutProxy) -> None:
    back = await cut(env, proxy, "lend @bob 20", arrives=False)
    await back
    told = await env.hear("alice", "Now I know", "did not go through")
    assert "nothing was moved" in told.shown
    assert env.left("alice") == 99
    assert "You lent" in (await env.command("alice", "lend @bob 20")).shown
    env.audit()


async def test_who_retypes_meanwhile_is_told_the_same_also_after_minutes(
    env: SlackEnv, proxy: CutProxy
) -> None:
    back = await cut(env, proxy, "lend @bob 20", arrives=True)
    env.clock.move(minutes=3)
    with env.impatient(commit=0.2):
        assert UNKNOWN in (await env.command("alice", "lend @bob 20")).shown
    await back
    again = await env.command("alice", "lend @bob 20")
    assert "confirm.yes" in again.actions
    assert env.left("alice") == 79
    env.audit()


async def test_a_short_cut_is_not_even_noticed(env: SlackEnv, proxy: CutProxy) -> None:
    proxy.cut_at_commit(arrives=True)
    asking = asyncio.create_task(env.command("alice", "lend @bob 20"))
    await env.until(lambda: proxy.away)
    proxy.away = False
    assert "You lent *$20.00*" in (await asking).shown
    assert env.left("alice") == 79


async def test_a_database_that_is_away_before_anything_began_has_moved_nothing(
    env: SlackEnv, proxy: CutProxy
) -> None:
    proxy.go_away()
    with env.impatient(commit=0.3):
        answer = await env.command("alice", "lend @bob 20")
    assert "nothing moved" in answer.shown
    proxy.away = False
    assert env.left("alice") == 99


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_grant_at_a_lost_commit_says_what_became_of_it(proxy: CutProxy, arrives: bool) -> None:
    proxy.cut_at_commit(arrives=arrives, of="paper")
    words = ("-m", "bot", "grant", "alice@corp.example", "25", "--reason", "paper")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=Path(__file__).parents[2], env=dict(os.environ, DATABASE_URL=proxy.url),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    while not proxy.away:
        assert child.returncode is None
        await asyncio.sleep(0.02)
    await back_after(proxy, AWAY)
    said, _ = await asyncio.wait_for(child.communicate(), 40)
    assert (child.returncode == 0, b"gave 25" in said) == (arrives, arrives), said
