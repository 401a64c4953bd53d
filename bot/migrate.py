"""The schema: bring it to head, or say whether it is there. Alembic is loaded by who has to migrate: it takes its time."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect

if TYPE_CHECKING:
    from alembic.config import Config

HOME = resources.files("models") / "migrations"


class NewerSchema(Exception):  # noqa: N818 - what was found
    """The database was made by a newer program than this one."""


def migrate(engine: Engine) -> None:
    """Bring the schema to head, in one transaction, or raise `NewerSchema`; does nothing when it is there."""
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.connect() as connection, connection.begin():
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            raise NewerSchema from error


def behind(engine: Engine) -> bool:
    """Whether the schema is not the one this program knows."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return True
        here = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return here != head()


def head() -> str:
    """The newest migration, by the names of their files."""
    return max(
        file.name.partition("_")[0] for file in (HOME / "versions").iterdir() if file.name[0].isdigit()
    )


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HOME))
    config.attributes["connection"] = connection
    return config
