"""Expected failures of a command become lines on stderr and exit 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from models.masking import masked

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

UNKNOWN = (
    "the database went away while this was being committed: it is not known whether it was done. "
    "Look before you run it again (`quotabot show EMAIL`, `quotabot export ledger`)."
)


class Failed(Exception):  # noqa: N818 - a refusal in words for the operator
    """The command was refused or failed, and changed nothing. Each argument is a line on stderr. Exit 1."""

    def __init__(self, *lines: object) -> None:
        self.lines = tuple(map(str, lines))
        super().__init__("\n".join(self.lines))


class Group(TyperGroup):
    """Prints expected failures as lines. Wrong usage, an exit and a bug pass through."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise
        except Exception as error:
            lines = _lines(error)
            if not lines:
                raise
            for line in lines:
                typer.echo(masked(line), err=True)
            raise typer.Exit(1) from error


def _lines(error: Exception) -> tuple[str, ...]:
    """The lines of an expected error; empty for a bug."""
    if isinstance(error, Failed):
        return error.lines
    if isinstance(error, OSError):
        return (f"{error.filename}: {error.strerror}" if error.filename else str(error),)
    return _of_database(error) or _of_domain(error) or _of_vendor(error)


def _of_database(error: Exception) -> tuple[str, ...]:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - loaded only to name a failure

    from bot.transactions import OutcomeUnknown  # noqa: PLC0415

    if isinstance(error, OutcomeUnknown):
        return (UNKNOWN,)
    return _of_driver(error) if isinstance(error, DBAPIError) else ()


def _of_driver(error: DBAPIError) -> tuple[str, ...]:
    from sqlalchemy.exc import DatabaseError, OperationalError  # noqa: PLC0415

    said = " ".join(str(error.orig).split())
    if "no such table" in said or getattr(error.orig, "sqlstate", None) == "42P01":
        return ("the database has no tables yet: run `quotabot migrate`",)
    if type(error) is DatabaseError:  # SQLite: not a database file. Subclasses name other faults
        return (f"the database cannot be read: {said}",)
    return (
        (f"DATABASE_URL: the database does not answer: {said}",)
        if isinstance(error, OperationalError)
        else ()
    )


def _of_domain(error: Exception) -> tuple[str, ...]:
    from pydantic import ValidationError  # noqa: PLC0415 - loaded only to name a failure

    from bot.cli.sheet import SheetError  # noqa: PLC0415
    from bot.migrate import NewerSchema  # noqa: PLC0415
    from bot.people.csv import PeopleError  # noqa: PLC0415
    from bot.settings import Settings  # noqa: PLC0415
    from models.policy.yaml_tree import PolicyError  # noqa: PLC0415
    from models.refusal import Refusal  # noqa: PLC0415

    if isinstance(error, PolicyError | SheetError):
        return tuple(map(str, error.problems))
    if isinstance(error, PeopleError):
        return (*(f"line {line}: {why}" for line, why in error.problems), "nothing was changed")
    if isinstance(error, Refusal):
        return (_refusal(error),)
    if isinstance(error, NewerSchema):
        return ("the database was made by a newer quotabot than this one",)
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return tuple(map(_setting, error.errors()))
    return ()


def _refusal(error: Any) -> str:
    from handlers.words import refusals  # noqa: PLC0415
    from handlers.words.text import SafeText  # noqa: PLC0415

    return str(refusals.words(error, "en", lambda stored: SafeText(str(stored)), {}))


def _setting(detail: Any) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else "settings"
    return f"{name}: {detail['msg'].lower()}"


def _of_vendor(error: Exception) -> tuple[str, ...]:
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415 - the HTTP library takes a moment to load
    from bot.messengers.port import MessengerError, Undeliverable  # noqa: PLC0415

    if isinstance(error, MessengerError | Undeliverable):
        return (f"the messenger says no: {error}",)
    return (f"the gateway: {error}",) if isinstance(error, GatewayError | GatewayRefused) else ()
