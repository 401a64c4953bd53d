"""The gateway is read for whoever holds the quota, before anything is taken from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.company import who
from tests.slack_env import SlackEnv, code_of

Names = list[str]


@pytest.fixture
def read(env: SlackEnv) -> Names:
    """Names of those whose spend is read, in order."""
    names: Names = []
    env.app.dispatcher.fresh_spend = _noting(env, names)
    return names


def _noting(env: SlackEnv, names: Names) -> Callable[[int], Awaitable[None]]:
    ids = env.database.transact(
        lambda session: {who(session, name).id: name for name in ("alice", "bob", "eve", "pia", "lee")}
    )

    async def fresh_spend(member: int) -> None:
        names.append(ids[member])

    return fresh_spend


async def test_the_borrower_is_read_before_the_lender_recalls(env: SlackEnv, read: Names) -> None:
    lent = await env.command("alice", "lend @bob 20")
    await env.command("alice", "recall @bob 5")
    await env.command("alice", "recall 5")
    await env.press("alice", lent, "loan.recall")
    assert read == ["alice", "bob", "bob", "bob"]


async def test_the_borrower_is_read_before_giving_back(env: SlackEnv, read: Names) -> None:
    await env.command("alice", "lend @bob 20")
    await env.command("bob", "repay @alice 5")
    await env.press("bob", await env.hear("bob", "$20.00"), "loan.return")
    assert read == ["alice", "bob", "bob"]


async def test_the_requester_is_read_before_a_grant_is_revoked(env: SlackEnv, read: Names) -> None:
    code = code_of(await env.say("pia", "request 300 load test"))
    card = await env.hear("lee", "load test")
    await env.press("lee", card, "request.approve")
    await env.say("lee", f"revoke {code}")
    assert read == ["pia"]


async def test_a_yes_reads_whoever_its_command_takes_from(env: SlackEnv, read: Names) -> None:
    await env.command("alice", "lend @bob 20")
    await env.command("alice", "please take back 20 from @bob")
    read.clear()
    await env.command("alice", "yes")
    assert read == ["bob"]
    assert env.left("bob") == 100


async def test_a_refused_command_reads_nobody(env: SlackEnv, read: Names) -> None:
    await env.say("lee", "revoke ZZZ9")
    await env.command("alice", "yes")
    assert read == []
