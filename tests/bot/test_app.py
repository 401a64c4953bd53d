"""The process as an operator starts and stops it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.database import Database
from models.quota.wallet import wallet_of
from sandbox.slack.workspace import Workspace
from tests.company import settle_company, who
from tests.slack_env import cast, slack_id

ROOT = Path(__file__).parents[2]


async def started(folder: Path, url: str, slack: Workspace) -> asyncio.subprocess.Process:
    """`quotabot run`, connected."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "DINGTALK_", "GATEWAY_"))} | {
        "DATABASE_URL": url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": slack.api_url,
        "HTTP_PORT": "0", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    await slack.wait_for(lambda: slack.connections, timeout=30)
    return process


async def test_told_to_stop_it_finishes_what_is_in_flight_and_ends_within_ten_seconds(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "quotabot.db")
    url = f"sqlite:///{tmp_path / 'quotabot.db'}"
    database = Database(url)
    settle_company(database, now=datetime.now(UTC))
    async with Workspace(people=cast()) as slack:
        process = await started(tmp_path, url, slack)
        slack.faults.slow_down("users.info", seconds=0.4, times=4)  # four people are looked up
        slack.faults.slow_down("chat.postMessage", seconds=1.0)
        done = await slack.command(slack_id("alice"), "lend @bob 20")
        assert done.message is not None
        assert "You lent" in done.message.shown
        in_flight = asyncio.create_task(slack.command(slack_id("eve"), "lend @max 10"))
        await slack.wait_for(lambda: not [one for one in slack.faults.planned if one.where == "users.info"])
        process.send_signal(signal.SIGTERM)
        started_at = time.monotonic()
        output, _ = await asyncio.wait_for(process.communicate(), 15)
        took = time.monotonic() - started_at
        answered = await in_flight
        said = [one for one in slack.inbox(slack_id("bob")) if "$20.00" in one.shown]
    assert process.returncode == 0, output.decode()
    assert took < 10
    assert b"Traceback" not in output, output.decode()
    assert len(said) == 1
    assert answered.ok
    assert "You lent" in str(answered.payload)
    assert (
        database.transact(lambda session: wallet_of(session, who(session, "max").id).borrowed) == 10_000_000
    )
    database.close()
