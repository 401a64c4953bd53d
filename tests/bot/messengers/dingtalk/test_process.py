"""A real `quotabot run` on DingTalk: killed, started again, told to stop."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select, update

from bot.database import Database
from models.ledger.account import Account, AccountKind
from models.people.member import Address
from models.quota.period import Period
from models.quota.request import Request
from sandbox.dingtalk.organisation import DingTalk, Plan, Timing
from tests.company import who
from tests.dingtalk_env import colleagues, open_env
from tests.slack_env import settled_copy


@pytest.fixture
def url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


async def test_stopping_while_connected_takes_less_than_ten_seconds(url: str) -> None:
    async with open_env(url) as env:
        env.ding.faults.freeze()
        began = time.monotonic()
    assert time.monotonic() - began < 10


async def test_a_kill_between_click_and_answer_and_a_redelivery_make_one_grant(url: str) -> None:
    """A real process, really killed; the second one is told to end with SIGTERM while it is connected."""
    async with DingTalk(
        people=colleagues(), timing=Timing(patience=4.0), plan=Plan(per_second=10_000)
    ) as ding:
        _today(url)
        _dingtalk_only(url)
        async with _process(url, ding) as first:
            assert (await ding.say("pia", "request 300 load test")).ok
            card = await ding.wait_for(
                lambda: next((one for one in ding.cards.values() if "lee" in one.places), None), 10
            )
            ding.faults.freeze("socket")
            clicked = await ding.press("lee", card, "request.approve")
            assert clicked.error == "timed_out"
            assert _states(url) == ["applied"]
            first.kill()
            await first.wait()
        ding.faults.thaw()
        await ding.wait_for(lambda: ding.connections == 0, 10)
        ding.pushes[clicked.push].acks.clear()  # it never got past the frozen socket
        async with _process(url, ding) as second:
            (ack,) = [one for one in await ding.redeliver() if one.ok]
            assert "✅" in ack.data["response"]["cardData"]["cardParamMap"]["body"]
            await ding.wait_for(
                lambda: [one for one in ding.heard("pia") if "approved" in one.text or "同意了" in one.text],
                10,
            )
            began = time.monotonic()
            second.terminate()
            assert await asyncio.wait_for(second.wait(), 10) == 0
            assert time.monotonic() - began < 10
        assert _grants(url) == 1
        assert not ding.violations


@asynccontextmanager
async def _process(url: str, ding: DingTalk) -> AsyncIterator[asyncio.subprocess.Process]:
    env = os.environ | {
        "DATABASE_URL": url, "HTTP_PORT": "0", "DINGTALK_CLIENT_ID": ding.client_id, "DINGTALK_CLIENT_SECRET": ding.client_secret,
        "DINGTALK_API_URL": ding.url, "DINGTALK_OAPI_URL": ding.url, "DINGTALK_CARD_TEMPLATE_ID": "t.schema",
    }  # fmt: skip
    where = Path(__file__).parents[4]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=env, cwd=where)
    try:
        await ding.wait_for(lambda: ding.connections or None, 20)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _today(url: str) -> None:
    """The company is settled in November 2026. It goes on today, so that no period ends while the test runs."""
    database, now = Database(url), datetime.now(UTC)
    span = {"starts_at": now - timedelta(days=9), "ends_at": now + timedelta(days=9)}
    database.transact(lambda session: session.execute(update(Period).values(span)) and None)
    database.close()


def _dingtalk_only(url: str) -> None:
    database = Database(url)

    def move(session: Any) -> None:
        for person in colleagues():
            Address.give(session, who(session, person.id), f"dingtalk:{person.id}")
            for old in session.exec(select(Address).where(Address.messenger == "slack")).all():
                session.delete(old)

    database.transact(move)
    database.close()


def _states(url: str) -> list[str]:
    database = Database(url)
    found = database.transact(lambda session: list(session.exec(select(Request.state)).all()))
    database.close()
    return found


def _grants(url: str) -> int:
    database = Database(url)
    found = database.transact(
        lambda session: len(session.exec(select(Account.id).where(Account.kind == AccountKind.TOP_UP)).all())
    )
    database.close()
    return found
