"""The schema, and what a start does not load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from bot.database import Database
from bot.migrate import behind, migrate
from models.migrations import HOME, head


def test_the_newest_migration_is_known_by_the_name_of_its_file() -> None:
    config = Config()
    config.set_main_option("script_location", str(HOME))
    assert head() == ScriptDirectory.from_config(config).get_current_head()


def test_a_new_database_is_behind_until_it_was_migrated(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    assert database.query(behind)
    migrate(database.engine)
    assert not database.query(behind)
    database.close()


def test_a_start_loads_no_library_that_it_does_not_use(sqlite_settled: Path) -> None:
    """Each of them takes up to half a second of every command, and memory for as long as the bot runs."""
    libraries = (
        "alembic",
        "slack_bolt",
        "slack_sdk",
        "dingtalk_stream",
        "holidays",
        "pygments",
        "sqlalchemy.dialects.postgresql",
        "handlers.language.classifier",
        "handlers.language.slots",
        "handlers.language.understanding",
    )
    run = "from bot.loading import loading\nwith loading(): import bot.app\nimport rich"
    assert loaded(run, *libraries) == []
    show = "from bot.cli.app import app; app(['show', 'alice@corp.example'], standalone_mode=False)"
    heavy = (
        "sqlalchemy", "sqlmodel", "structlog", "rich", "aiohttp", "yarl", "psycopg", "alembic", "babel", "holidays", "slack_sdk",
        "models.people.member", "models.policy.document", "handlers", "bot.database",
    )  # fmt: skip
    assert loaded(show, *heavy, DATABASE_URL=f"sqlite:///{sqlite_settled}") == []


def loaded(code: str, *heavy: str, **env: str) -> list[str]:
    """Those of these modules that are loaded after this code."""
    code = f"import sys\n{code}\nprint('loaded:', *[one for one in {heavy} if one in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ | env
    ).stdout
    return said.rpartition("loaded:")[2].split()
