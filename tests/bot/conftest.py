"""Environments for conversations: either mode, either database, either language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.database import Database
from bot.settings import Settings
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
def settled_template(sqlite_settled: Path) -> Path:
    """A SQLite file in which the company is settled."""
    return sqlite_settled


@pytest.fixture
def settled_on(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The url of a settled company on `sqlite` or `postgres`."""

    def settled(kind: str) -> str:
        if kind == "sqlite":
            return settled_copy(request.getfixturevalue("settled_template"), tmp_path)
        database: Database = request.getfixturevalue("postgres_company")
        return database.engine.url.render_as_string(hide_password=False)

    return settled


@pytest.fixture
async def env(request: pytest.FixtureRequest, settled_on: Callable[[str], str]) -> AsyncIterator[SlackEnv]:
    """A `SlackEnv`; parametrised indirectly with `mode-database[-language]`, else over a socket on SQLite."""
    mode, kind, *language = getattr(request, "param", "socket-sqlite").split("-")
    url = settled_on(kind)
    async with open_env(url, mode=mode, language=language[0] if language else None) as env:
        yield env
