"""Environments for conversations: either mode, either database, either language."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot.database import Database
from bot.settings import Settings
from models.messages.outbox import Effect
from tests.console import Operator
from tests.slack_env import SlackEnv, open_env, settled_copy


@pytest.fixture
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine counts, and the current folder is empty."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fresh(nothing_is_set: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A terminal on a machine without a database."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/quotabot.db")
    return Operator(tmp_path)


@pytest.fixture(scope="session")
def settled_template(sqlite_settled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which the company is settled, and the first jobs of a bot are done: they take 0.2 s of each start."""
    url = settled_copy(sqlite_settled, tmp_path_factory.mktemp("started"))

    async def start() -> None:
        async with open_env(url) as env:
            await env.settled()

    with ThreadPoolExecutor(1) as beside:  # another loop may run here
        beside.submit(asyncio.run, start()).result()
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def jobs_done(settled_template: Path) -> list[dict[str, Any]]:
    """The effects of that start."""
    database = Database(f"sqlite:///{settled_template}")
    done = database.query(lambda session: [one.model_dump() for one in session.exec(select(Effect)).all()])
    database.close()
    return done


@pytest.fixture
def settled_on(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The url of a settled company on `sqlite` or `postgres`."""

    def settled(kind: str) -> str:
        if kind == "sqlite":
            return settled_copy(request.getfixturevalue("settled_template"), tmp_path)
        database: Database = request.getfixturevalue("postgres_company")
        done = request.getfixturevalue("jobs_done")
        database.transact(lambda session: session.add_all(Effect(**one | {"id": None}) for one in done))
        return database.engine.url.render_as_string(hide_password=False)

    return settled


@pytest.fixture
async def env(request: pytest.FixtureRequest, settled_on: Callable[[str], str]) -> AsyncIterator[SlackEnv]:
    """A `SlackEnv`; parametrised indirectly with `mode-database[-language]`, else over a socket on SQLite."""
    mode, kind, *language = getattr(request, "param", "socket-sqlite").split("-")
    url = settled_on(kind)
    async with open_env(url, mode=mode, language=language[0] if language else None) as env:
        yield env
