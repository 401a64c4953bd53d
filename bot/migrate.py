"""The schema: bring it to head, or say how far behind it is."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


def migrate(engine: Engine) -> None:
    """Bring the schema to head, in one transaction; does nothing when it is there."""
    with engine.connect() as connection, connection.begin():
        command.upgrade(_config(connection), "head")


def behind(engine: Engine) -> bool:
    """Whether the schema is older than this program."""
    with engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    return here != ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("models") / "migrations"))
    config.attributes["connection"] = connection
    return config
