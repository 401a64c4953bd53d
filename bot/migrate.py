"""The database's schema: compare it with this program's, and bring it to head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bot.transactions import locked
from models.migrations import HOME, head

if TYPE_CHECKING:
    from alembic.config import Config


class NewerSchema(Exception):  # noqa: N818 - a finding, not a fault
    """The database was made by a newer program than this one."""


def migrate(engine: Engine) -> None:
    """Bring the schema to head in one transaction, or raise `NewerSchema`.

    Waits while another process writes to SQLite.
    """
    while True:
        try:
            return _upgrade(engine)
        except OperationalError as error:
            if not locked(error):
                raise


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - slow to load, and seldom needed
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.connect() as connection, connection.begin():
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            raise NewerSchema from error


def behind(session: Session) -> bool:
    """True if the schema is not this program's. Only reads."""
    connection = session.connection()
    if not inspect(connection).has_table("alembic_version"):
        return True
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() != head()


def is_empty(session: Session) -> bool:
    return not inspect(session.connection()).get_table_names()


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HOME))
    config.attributes["connection"] = connection
    return config
