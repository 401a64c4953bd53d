"""What all commands share: the settings, a database that is ready, one clear line for what failed, progress, consent."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlmodel import Session, func, select
from typer.core import TyperGroup

from bot import logs
from bot.cli.sheet import SheetError
from bot.database import Database
from bot.messengers.port import MessengerError, Undeliverable
from bot.migrate import NewerSchema, behind, migrate
from bot.people.sync import PeopleError
from bot.settings import Settings
from handlers.words import refusals
from handlers.words.text import SafeText
from models.ledger.amount import Unit, plain
from models.people.member import Member
from models.policy import versions
from models.policy.document import Policy
from models.policy.yaml_tree import PolicyError
from models.refusal import NoPolicyYet, Refusal

T = TypeVar("T")
NOT_YET = "not yet: this part of quotabot is not built"


class Failed(Exception):  # noqa: N818 - what a command says when it cannot; the words are for an operator
    """Refused or failed, in a sentence or several lines; nothing was changed. Exit 1."""

    def __init__(self, *lines: object) -> None:
        self.lines = tuple(map(str, lines))
        super().__init__("\n".join(self.lines))


class Group(TyperGroup):
    """Turns what may be expected to fail into clear lines on stderr and exit 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; wrong usage, an exit and a bug are not touched."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read our output has seen enough
            raise
        except Exception as error:
            said = _sentences(error)
            if not said:
                raise
            for line in said:
                typer.echo(logs.redacted(line), err=True)
            raise typer.Exit(1) from error


def _sentences(error: Exception) -> tuple[str, ...]:
    """What to say of an error that has a reason; nothing for a bug."""
    for kind, say in _WORDS:
        if isinstance(error, kind):
            return say(error)
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415 - most commands never need what it loads

    return (f"the gateway: {error}",) if isinstance(error, GatewayError | GatewayRefused) else ()


def _problems(error: Any) -> tuple[str, ...]:
    return tuple(map(str, error.problems))


def _people(error: Any) -> tuple[str, ...]:
    return (*(f"line {line}: {why}" for line, why in error.problems), "nothing was changed")


def _refusal(error: Any) -> tuple[str, ...]:
    return (str(refusals.words(error, "en", lambda stored: SafeText(str(stored)), {})),)


def _settings(error: Any) -> tuple[str, ...]:
    return tuple(map(_setting, error.errors())) if error.title == Settings.__name__ else ()


def _file(error: Any) -> tuple[str, ...]:
    return (f"{error.filename}: {error.strerror}" if error.filename else str(error),)


def _setting(detail: Any) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else "settings"
    return f"{name}: {detail['msg'].lower()}"


def _database(error: Any) -> tuple[str, ...]:
    said = " ".join(str(error.orig).split())
    if "no such table" in said or getattr(error.orig, "sqlstate", None) == "42P01":
        return ("the database has no tables yet: run `quotabot migrate`",)
    if (
        type(error) is DatabaseError
    ):  # its subclasses tell what; SQLite says this of a file that is none of its own
        return (f"the database cannot be read: {said}",)
    if not isinstance(error, OperationalError):
        return ()
    return (f"the database does not answer: {said}",)


_WORDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], tuple[str, ...]]], ...] = (
    (Failed, lambda error: error.lines),
    ((PolicyError, SheetError), _problems),
    (PeopleError, _people),
    (Refusal, _refusal),
    ((MessengerError, Undeliverable), lambda error: (f"the messenger says no: {error}",)),
    (NewerSchema, lambda _: ("the database was made by a newer quotabot than this one",)),
    (ValidationError, _settings),
    (DBAPIError, _database),
    (OSError, _file),
)


@contextlib.contextmanager
def ledger(settings: Settings | None = None) -> Iterator[Database]:
    """The database, ready: SQLite is created and migrated by itself; a Postgres schema that is behind is refused."""
    url = (settings or Settings.load()).database_url
    refuse_others(url)
    database = Database(url)
    try:
        if database.query(behind):
            if not database.sqlite:
                raise Failed("the schema is behind this program: run `quotabot migrate`")
            migrate(database.engine)
        yield database
    finally:
        database.close()


def refuse_others(url: str) -> None:
    try:
        kind = make_url(url).get_backend_name()
    except (ArgumentError, ValueError):
        raise Failed(
            "DATABASE_URL is no address of a database, such as sqlite:///quotabot.db"
        ) from None  # a port that is no number is a ValueError
    if kind not in ("sqlite", "postgresql"):
        raise Failed(
            f"DATABASE_URL: {kind} is not supported; it is sqlite:///FILE or postgresql://user@host/db"
        )


def read(session: Session) -> tuple[int, Policy]:
    """The policy in force, or raise `NoPolicyYet`."""
    found = versions.current(session)
    if found is None:
        raise NoPolicyYet
    return found


def member(session: Session, email: str) -> Member:
    """Who has this e-mail, also when they have left; or fail."""
    wanted = email.strip().lower()
    found = session.exec(select(Member).where(func.lower(Member.email) == wanted)).one_or_none()
    if found is None:
        raise Failed(f"nobody has the e-mail {wanted}")
    return found


def content(path: Path) -> bytes:
    """What a file holds; `-` is stdin."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def day(text: str | None, option: str) -> date | None:
    """A day as 2026-12-15, or wrong usage."""
    try:
        return date.fromisoformat(text.strip()) if text is not None else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-12-15", param_hint=option) from None


def moment(text: str, zone: tzinfo, option: str) -> datetime:
    """A moment as ISO 8601; without an offset it is in `zone`. Or wrong usage."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-12-01T00:00", param_hint=option) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def money(stored: int, unit: Unit) -> str:
    return f"{plain(stored, unit)} {unit.value}"


def as_json(what: Any) -> None:
    typer.echo(json.dumps(what, ensure_ascii=False, indent=2, default=str))


def table(rows: list[tuple[str, ...]]) -> None:
    """Columns side by side; nothing for no rows. Plain, since it may be a hundred thousand lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def agree(question: str, yes: bool) -> None:
    """Have something dangerous confirmed: asked on a terminal, `--yes` elsewhere; or fail."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failed(f"{question} Say --yes to do it. Nothing was changed.")
    if not typer.confirm(question, err=True):
        raise Failed("Nothing was changed.")


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; call what it gives with how much more is done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where somebody watches
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=more)
