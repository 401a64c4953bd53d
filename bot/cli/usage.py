"""`usage import`: spend from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from bot.cli.console import content, money, open_database, policy_in_force
from bot.cli.grant import why_no_amount
from bot.cli.sheet import Line, SheetError, lines
from models.ledger.amount import Unit, from_plain
from models.ledger.transfer import Cause
from models.metering.usage import MemberUsage, book
from models.people.member import ids_by_email
from models.refusal import BadAmount

app = typer.Typer(name="usage", help="What was spent, from a file.", no_args_is_help=True)
COLUMNS = ("email", "day", "model", "amount", "input_tokens", "output_tokens", "agent")


@app.command("import")
def usage_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", allow_dash=True, help="- is stdin.")],
) -> None:
    """Book cumulative usage per e-mail, day and model, all or nothing; a replay books nothing.

    With a column `agent` the rows of one e-mail, day and model are added up, and the report counts the agents.
    """
    data, now = content(file), datetime.now(UTC)
    rows = list(lines(data, COLUMNS[:4], COLUMNS))
    key = f"usage:{hashlib.sha256(data).hexdigest()[:16]}"
    with open_database() as database:
        typer.echo(database.transact(lambda session: _book(session, rows, key, now)))


@app.callback()
def _group() -> None:
    """Typer makes a command of a group that has only one; a callback keeps `usage import` two words."""


def _book(session: Session, rows: list[Line], key: str, now: datetime) -> str:
    version, policy = policy_in_force(session)
    ids = ids_by_email(session, (row.cells["email"].lower() for row in rows))
    readings, problems = [], []
    for row in rows:
        try:
            readings.append(_reading(row.cells, ids, policy.unit))
        except ValueError as error:
            problems.append(f"line {row.number}: {error}")
    if problems:
        raise SheetError([*problems, "nothing was booked"])
    if any(row.cells["agent"] for row in rows):
        readings = list(_summed(readings))
    cause = Cause(now, "gateway", key, policy=version)
    total = book(session, readings, zone=policy.zone, cause=cause)
    people = len({reading.member_id for reading in readings})
    return f"booked {money(total, policy.unit)} from {len(readings)} rows of {people} people"


def _reading(cells: dict[str, str], ids: dict[str, int], unit: Unit) -> MemberUsage:
    """One row; raises `ValueError` with the reason for the operator."""
    email = cells["email"].lower()
    if email not in ids:
        raise ValueError(f"nobody has the e-mail {email}" if email else "the e-mail is missing")
    if not cells["model"]:
        raise ValueError("the model is missing")
    try:
        on = date.fromisoformat(cells["day"])
    except ValueError:
        raise ValueError(f"{cells['day']!r} is no day such as 2026-11-09") from None
    try:
        amount = from_plain(cells["amount"], unit)
    except BadAmount as no:
        raise ValueError(f"amount {why_no_amount(no, cells['amount'])}") from None
    if amount < 0:
        raise ValueError("amount must not be negative: figures are cumulative")
    put, out = (_count(cells, name) for name in COLUMNS[4:6])
    return MemberUsage(ids[email], on, cells["model"], amount, put, out, (cells["agent"],))


def _summed(readings: Iterable[MemberUsage]) -> Iterator[MemberUsage]:
    """One reading for each member, day and model: the sum of its agents. Of a repeated row the larger amount counts."""
    by_key: dict[tuple[int, date, str], dict[tuple[str, ...], MemberUsage]] = {}
    for one in sorted(readings, key=lambda one: one.amount):
        by_key.setdefault((one.member_id, one.day, one.model), {})[one.agents] = one
    for key, parts in by_key.items():
        amount = sum(one.amount for one in parts.values())
        put, out = (
            sum(getattr(one, name) for one in parts.values()) for name in ("input_tokens", "output_tokens")
        )
        yield MemberUsage(*key, amount, put, out, tuple(agent for (agent,) in parts))


def _count(cells: dict[str, str], name: str) -> int:
    text = cells[name]
    if text and not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(f"{name} {text!r} is no whole number")
    return int(text or 0)
