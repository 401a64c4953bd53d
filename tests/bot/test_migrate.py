"""The schema, and what a start does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from bot.database import Database
from bot.migrate import HOME, behind, head, migrate


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


def test_a_start_loads_no_library_that_it_does_not_use() -> None:
    """Each of them takes up to a tenth of a second of every command, and memory for as long as the bot runs."""
    heavy = "alembic", "slack_bolt", "dingtalk_stream", "aiohttp", "rapidfuzz", "rich.progress"
    assert loaded("bot.cli.app", *heavy) == []
    assert loaded("bot.cli.app, bot.cli.show", *heavy, "handlers", "bot.worker", "bot.people") == []
    libraries = "alembic", "slack_bolt", "slack_sdk", "dingtalk_stream", "handlers.language.understanding"
    assert loaded("bot.app", *libraries) == []


def loaded(module: str, *heavy: str) -> list[str]:
    code = f"import sys, {module}; print(*[one for one in {heavy} if one in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
