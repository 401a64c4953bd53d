"""Open a scene: the stand-ins, a database in which the company lives, the production bot, and its past."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from bot.app import open_app
from bot.database import Database
from bot.migrate import migrate
from bot.settings import Settings
from sandbox.dingtalk.organisation import DingTalk
from sandbox.gateways.litellm import LiteLLM
from sandbox.playground import company, story
from sandbox.playground.cast import CAST
from sandbox.playground.finance import open_pages
from sandbox.playground.scene import Clock, Scene
from sandbox.slack.workspace import Workspace

# The card template at DingTalk.
TEMPLATE = "quotabot.schema"


@contextlib.asynccontextmanager
async def open_scene(language: str, start: datetime) -> AsyncIterator[Scene]:
    """A scene at `start`, with its past played. Everything, the database file too, is removed at the end."""
    clock = Clock(company.moving_day(start))
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="quotabot-demo-"))
        file = Path(folder) / "demo.db"
        file.write_bytes(await asyncio.to_thread(_settled_file, language, start))
        url = f"sqlite:///{file}"
        users = {role.email: role.email for role in CAST}
        gateway = await stack.enter_async_context(LiteLLM(users=users, clock=clock.now))
        slack = await stack.enter_async_context(
            Workspace(
                people=company.people(language),
                channels=company.channels("U0QUOTABOT"),
                clock=clock.timestamp,
            )
        )
        dingtalk = await stack.enter_async_context(
            DingTalk(
                people=company.colleagues(language), departments=company.departments(language), groups=company.groups(language),
                clock=clock.timestamp,
            )
        )  # fmt: skip
        built = await stack.enter_async_context(open_app(_settings(url, slack, dingtalk, gateway), clock.now))
        stop = asyncio.Event()
        stack.push_async_callback(_stop_app, stop, asyncio.create_task(built.run(stop)))
        playing = Scene(language, clock, slack, dingtalk, gateway, built)
        tasks = [asyncio.create_task(playing.watch(one.feed)) for one in (slack, dingtalk)]
        stack.push_async_callback(_cancel, tasks)
        pages = open_pages(built.database, built.http, clock.now, playing.look_at_pages)
        playing.pages = await stack.enter_async_context(pages)
        await playing.until(lambda: all(screen.connected for screen in playing.screens.values()))
        await story.play_past(playing, start)
        playing.started, playing.touched = start, False
        stack.callback(playing.pulse.close)
        yield playing


@lru_cache(maxsize=2)
def _settled_file(language: str, start: datetime) -> bytes:
    """The bytes of a database in which the company has just moved in. Cached, so that a restart is quick."""
    with tempfile.TemporaryDirectory(prefix="quotabot-demo-") as folder:
        file = Path(folder) / "settled.db"
        database = Database(f"sqlite:///{file}")
        try:
            migrate(database.engine)
            company.settle(database, language, start)
        finally:
            database.close()
        return file.read_bytes()


def _settings(url: str, slack: Workspace, dingtalk: DingTalk, gateway: LiteLLM) -> Settings:
    """Settings as an admin would write them; the environment is ignored."""
    return Settings(
        _env_file=None,
        database_url=url,
        http_host="127.0.0.1",
        http_port=0,
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_signing_secret=SecretStr(slack.signing_secret),
        slack_api_url=slack.api_url,
        slack_command="/quota",
        dingtalk_client_id=dingtalk.client_id,
        dingtalk_client_secret=SecretStr(dingtalk.client_secret),
        dingtalk_robot_code=None,
        dingtalk_card_template_id=TEMPLATE,
        dingtalk_api_url=dingtalk.url,
        dingtalk_oapi_url=dingtalk.url,
        gateway_kind="litellm",
        gateway_url=gateway.url,
        gateway_key=SecretStr(gateway.key),
        gateway_mode="enforce",
        gateway_sync_seconds=1,
    )


async def _stop_app(stop: asyncio.Event, running: asyncio.Task[None]) -> None:
    stop.set()
    await running


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
