"""A database in which the company is settled, made once and copied for every test: settling takes 0.1 to 0.3 s."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import text

from bot.database import Database
from models.migrations.tables import metadata
from tests.company import settle_company

SCHEMA = "settled"
"""The schema of Postgres that keeps the settled rows."""


def keep_sqlite(template: Path, path: Path) -> Path:
    """A settled copy of an empty, migrated file."""
    copy_file(template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.close()
    return path


def copy_file(source: Path, target: Path) -> None:
    one, other = sqlite3.connect(source), sqlite3.connect(target)
    one.backup(other)
    one.close(), other.close()


def empty_postgres(database: Database) -> None:
    """Empty all tables. TRUNCATE makes 260 new files and takes three times as long as this."""
    tables = [f'"{name}"' for name in metadata().tables]
    named = ", ".join(tables)
    filled = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in tables)
    with database.engine.begin() as connection:
        if connection.exec_driver_sql("SHOW is_superuser").scalar_one() == "off":
            connection.exec_driver_sql(f"TRUNCATE {named} RESTART IDENTITY CASCADE")
            return
        # Nobody is in the middle of a transaction; no foreign key and no trigger looks at what is deleted.
        connection.exec_driver_sql(f"LOCK {named}; SET LOCAL session_replication_role = replica")
        full = connection.exec_driver_sql(filled).scalars().all()
        connection.exec_driver_sql("; ".join([*(f"DELETE FROM {name}" for name in full), _NUMBERS_AGAIN]))
    if full:  # without dead rows the next ones stand in the order in which they come
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM {', '.join(full)}")


_NUMBERS_AGAIN = (
    "SELECT setval(format('%%I', sequencename)::regclass, 1, false) FROM pg_sequences "
    "WHERE schemaname = 'public' AND last_value IS NOT NULL"
)


def keep_postgres(url: str) -> None:
    """Settle the company, keep its rows in a schema of their own, and empty the tables again."""
    database = Database(url)
    empty_postgres(database)
    settle_company(database)
    with database.engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        for table in metadata().tables:
            if connection.execute(text(f'SELECT EXISTS (SELECT 1 FROM "{table}")')).scalar_one():
                connection.execute(text(f'CREATE TABLE {SCHEMA}."{table}" AS TABLE public."{table}"'))
        connection.execute(
            text(
                f"CREATE TABLE {SCHEMA}.numbers AS SELECT sequencename AS name, last_value FROM pg_sequences "
                "WHERE schemaname = 'public' AND last_value IS NOT NULL"
            )
        )
    empty_postgres(database)
    database.close()


def restore_postgres(database: Database) -> None:
    """Settle the company in empty tables."""
    with database.engine.begin() as connection:
        rows = connection.exec_driver_sql(f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'")
        kept = set(rows.scalars())
        copies = [
            f'INSERT INTO public."{table.name}" SELECT * FROM {SCHEMA}."{table.name}"'
            for table in metadata().sorted_tables  # parents first
            if table.name in kept
        ]
        numbers = f"SELECT setval(format('%%I', name)::regclass, last_value) FROM {SCHEMA}.numbers"
        connection.exec_driver_sql("; ".join([*copies, numbers]))
