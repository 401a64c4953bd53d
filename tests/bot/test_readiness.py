"""Ready is what works: a write, a messenger, a leader."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import aiohttp
import pytest
from sqlalchemy.engine import make_url

from bot.web.readiness import Readiness
from models.metering.gateway_state import GatewayState
from tests.company import NOW
from tests.cut_proxy import cut_proxy
from tests.slack_env import SlackEnv, open_env


def readiness(env: SlackEnv, *, enforced: bool = False) -> Readiness:
    return Readiness(env.database, env.clock, env.app.messengers, enforced=[""] if enforced else [])


@pytest.mark.parametrize("env", ["socket-sqlite", "socket-postgres"], indirect=True)
async def test_where_all_is_well_the_bot_is_ready(env: SlackEnv) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{env.app.port}/readyz") as reply:
        assert (reply.status, await reply.json()) == (200, {"database": True, "slack": True})
    assert await readiness(env).look() == (True, {"database": True, "slack": True})


async def test_a_database_that_reads_and_cannot_write_is_not_ready(env: SlackEnv) -> None:
    with closing(sqlite3.connect(str(env.database.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert env.database.alive()
        assert (await readiness(env).look())[0] is False
        other.execute("ROLLBACK")
    assert (await readiness(env).look())[0] is True


async def test_a_database_that_is_away_is_not_ready(settled_on: Callable[[str], str]) -> None:
    with cut_proxy(make_url(settled_on("postgres"))) as proxy:
        async with open_env(proxy.url) as env:
            assert (await readiness(env).look())[0] is True
            proxy.go_away()
            assert (await readiness(env).look())[0] is False
            proxy.away = False
            assert (await readiness(env).look())[0] is True


async def test_an_enforced_gateway_needs_somebody_who_leads(env: SlackEnv) -> None:
    ready, found = await readiness(env, enforced=True).look()
    assert (ready, found["gateway_leader"]) == (False, False)
    env.database.transact(lambda session: GatewayState.lead(session, "another replica", NOW))
    ready, found = await readiness(env, enforced=True).look()
    assert (ready, found["gateway_leader"]) == (True, True)
