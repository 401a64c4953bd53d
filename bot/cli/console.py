"""Shared by the commands: the opened database, amounts and days as arguments, tables, consent, progress."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from bot.cli.errors import Failed
from bot.database import Database
from bot.migrate import behind, migrate
from bot.settings import Settings
from bot.transactions import OutcomeUnknown
from models.ledger.amount import Unit, plain
from models.people.member import Member
from models.policy import versions
from models.policy.document import Policy, parse
from models.quota.chain import seal_next
from models.refusal import NoPolicyYet
from models.reports.style import Style


@contextlib.contextmanager
def open_database(settings: Settings | None = None) -> Iterator[Database]:
    """The database at this program's schema. SQLite is created and migrated; an old Postgres schema is refused.

    Takes no write lock unless there is something to migrate.
    """
    url = (settings or Settings.load()).database_url
    check_url(url)
    database = Database(url)
    try:
        if database.query(behind):
            if not database.sqlite:
                raise Failed("the schema is behind this program: run `quotabot migrate`")
            migrate(database.engine)
        yield database
        if database.wrote:
            seal_all(database)
    finally:
        database.close()


def seal_all(database: Database) -> None:
    # A busy database leaves the sealing to the next command.
    with contextlib.suppress(DBAPIError, OutcomeUnknown):
        while database.transact(lambda session: seal_next(session, datetime.now(UTC))):
            pass


def check_url(url: str) -> None:
    """Raise `Failed` unless the URL is one of SQLite or Postgres."""
    try:
        kind = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):  # a port that is not a number is a ValueError
        raise Failed("DATABASE_URL is no address of a database, such as sqlite:///quotabot.db") from None
    if kind not in ("sqlite", "postgresql"):
        raise Failed(
            f"DATABASE_URL: {kind} is not supported; it is sqlite:///FILE or postgresql://user@host/db"
        )


def policy_in_force(session: Session) -> tuple[int, Policy]:
    """Version and rules. Raises `NoPolicyYet`."""
    found = versions.current(session)
    if found is None:
        raise NoPolicyYet
    return found


def style_in_force(session: Session) -> Style:
    """How amounts and times are written; in USD before the first policy."""
    current = versions.current(session)
    policy = current[1] if current else parse("{unit: USD, allocations: []}")
    return Style(policy.unit, policy.zone)


def member(session: Session, email: str) -> Member:
    """The member with this e-mail, also after leaving. Raises `Failed`."""
    found = Member.by_email(session, email)
    if found is None:
        raise Failed(f"nobody has the e-mail {email.strip().lower()}")
    return found


def content(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def day(text: str | None, option: str) -> date | None:
    """A day such as 2026-12-15. Raises `BadParameter`."""
    try:
        return date.fromisoformat(text.strip()) if text is not None else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-12-15", param_hint=option) from None


def moment(text: str, zone: tzinfo, option: str) -> datetime:
    """A moment in ISO 8601; without an offset it is in `zone`. Raises `BadParameter`."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-12-01T00:00", param_hint=option) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def money(stored: int, unit: Unit) -> str:
    return f"{plain(stored, unit)} {unit.value}"


def unknown_everywhere(people: int) -> str:
    known = f"{people} people are" if people > 1 else "1 person is"
    return f"{known} unknown to every messenger: nobody can ask or tell them anything. `quotabot people sync slack` or `dingtalk` finds ids by e-mail."


def agree(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere `--yes` is needed. Raises `Failed` without consent."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failed(f"{question} Say --yes to do it. Nothing was changed.")
    if not typer.confirm(question, err=True):
        raise Failed("Nothing was changed.")


@contextlib.contextmanager
def progress(task: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere. Yields a function that advances it by a number of steps."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and used only on a terminal
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task(task, total=total)
        yield lambda more: bar.update(row, advance=more)


def enforces(settings: Settings) -> bool:
    """Whether a gateway's limits are written."""
    if settings.gateways_file is None:
        return settings.gateway_kind != "none" and settings.gateway_mode == "enforce"
    from bot.gateways.configured import enforced  # noqa: PLC0415 - the HTTP library takes a moment to load

    return enforced(settings)
