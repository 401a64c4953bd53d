"""Copies of a SQLite database: made while the bot runs, checked, and put back."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlmodel import Session, col, select

from bot.database import Database
from bot.migrate import behind, migrate
from models.ledger.audit import audit
from models.ledger.transfer import Transfer
from models.metering.gateway_account import GatewayAccount
from models.quota.chain import verify

PRIVATE = 0o600


class Unsound(Exception):  # noqa: N818 - a finding about a file
    """The reason why a file cannot be restored."""


@dataclass(frozen=True)
class Copy:
    """Facts about a checked copy. `counters`: {gateway account: spent, in micro-USD} by its ledger."""

    last: datetime | None
    transfers: int
    counters: dict[str, int]


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for another kind."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def copy_to(source: Path, target: Path) -> None:
    """A consistent copy as one file, readable by its owner alone.

    `target` is replaced at the end, when the copy is complete.
    """
    with _beside(target) as new:
        _copy(source, new)
        new.replace(target)


@contextlib.contextmanager
def checked(file: Path, beside: Path) -> Iterator[tuple[Path, Copy]]:
    """Yield a checked copy of `file` at this program's schema, next to `beside`, and its facts. Raises `Unsound`."""
    with _beside(beside) as new:
        try:
            _copy(file, new)
            _check_pages(new)
        except sqlite3.DatabaseError as error:
            raise Unsound(f"{file} is no sound SQLite database: {error}") from error
        database = Database(f"sqlite:///{new}")
        try:
            if database.query(behind):
                migrate(database.engine)
            found = database.query(_examined)
        finally:
            database.close()
        yield new, found


def put_back(new: Path, live: Path, now: datetime) -> Path | None:
    """Make `new` the database `live`; return where the old database is kept."""
    kept = None
    if live.exists():
        kept = live.with_name(f"{live.name}.replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        try:
            copy_to(live, kept)
        except sqlite3.DatabaseError:  # the old file is no database: keep it unread
            live.replace(kept)
            for tail in ("-wal", "-shm"):
                live.with_name(live.name + tail).unlink(missing_ok=True)
    _copy(new, live)
    live.chmod(PRIVATE)
    return kept


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    # In the same directory, because a rename is atomic only within a file system.
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    try:
        yield new
    finally:
        for tail in ("", "-wal", "-shm", "-journal"):
            new.with_name(new.name + tail).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    # SQLite's online backup: one snapshot, and writers of the source do not wait.
    if not source.is_file():
        raise FileNotFoundError(2, "No such file", str(source))
    with (
        contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as one,
        contextlib.closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)
        other.execute("PRAGMA journal_mode=DELETE")  # one file without a log beside it


def _check_pages(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise Unsound(f"SQLite finds the file damaged: {said}")
        tables = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('transfer', 'alembic_version')"
        if connection.execute(tables).fetchone()[0] != 2:
            raise Unsound("the file is no database of quotabot")


def _examined(session: Session) -> Copy:
    wrong = audit(session).wrong
    if wrong:
        raise Unsound(f"the ledger in it does not add up: {wrong[0][0]} (row {wrong[0][1]})")
    broken = verify(session).broken
    if broken is not None:
        raise Unsound(broken.line)
    newest = session.exec(select(Transfer.at).order_by(col(Transfer.id).desc()).limit(1)).first()
    counters = dict(session.exec(select(GatewayAccount.id, GatewayAccount.spent)).all())
    return Copy(newest, audit(session).counts["transfer"], counters)
