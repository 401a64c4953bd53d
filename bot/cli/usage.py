"""`usage import`: spend from a file."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session, col, select

from bot.cli.console import content, enforces, money, open_database, policy_in_force
from bot.cli.grant import why_no_amount
from bot.cli.sheet import Line, SheetError, lines
from bot.settings import Settings
from handlers.context import Context
from handlers.gateway import alerts
from models.ledger.amount import Unit, round_up_plain
from models.ledger.transfer import Cause
from models.metering.usage import MemberUsage, Usage, book
from models.people.member import ids_by_email
from models.quota.period import Period
from models.refusal import BadAmount

app = typer.Typer(name="usage", help="What was spent, from a file.", no_args_is_help=True)
# People in one transaction; other writers wait for it.
ALERTED = 200
COLUMNS = ("email", "day", "model", "amount", "input_tokens", "output_tokens", "agent")


@app.command("import")
def usage_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", allow_dash=True, help="- is stdin.")],
) -> None:
    """Book cumulative usage per e-mail, day and model, all or nothing; a replay books nothing.

    With a column `agent` the rows of one e-mail, day and model are added up, and the report counts the agents.
    """
    data, now, settings = content(file), datetime.now(UTC), Settings.load()
    rows = list(lines(data, COLUMNS[:4], COLUMNS))
    key = f"usage:{hashlib.sha256(data).hexdigest()[:16]}"
    with open_database(settings) as database:
        said, spenders = database.transact(lambda session: _book(session, rows, key, now))
        typer.echo(said)
        live = enforces(settings)
        for first in range(0, len(spenders), ALERTED):
            some = spenders[first : first + ALERTED]
            database.transact(partial(_alert, members=some, key=key, now=now, live=live))


@app.callback()
def _group() -> None:
    # Typer turns a group with one command into a command; a callback keeps `usage import` two words.
    ...


def _alert(session: Session, members: Sequence[int], key: str, now: datetime, live: bool) -> None:
    for member in members:
        ctx = Context.of(session, now, f"{key}:{member}", live=live)
        if ctx is not None and alerts.alerting(ctx, member):
            alerts.alert(ctx, member, imported=True)


def _book(session: Session, rows: list[Line], key: str, now: datetime) -> tuple[str, list[int]]:
    """The booked amount in words, and the members."""
    version, policy = policy_in_force(session)
    period = Period.current(session)
    ids = ids_by_email(session, (row.cells["email"].lower() for row in rows))
    # In another time zone the gateway's day may have begun already.
    latest = max(moment.date() for moment in _moments(max(now, period.starts_at), policy.zone))
    readings, problems = [], []
    for row in rows:
        try:
            readings.append(_reading(row.cells, ids, policy.unit, latest))
        except ValueError as error:
            problems.append(f"line {row.number}: {error}")
    if problems:
        raise SheetError([*problems, "nothing was booked"])
    cause = Cause(now, "gateway", key, policy=version)
    summed = _under_one_name(session, _summed(readings))
    total = book(session, summed, zone=policy.zone, cause=cause)
    people = sorted({reading.member_id for reading in readings})
    counted, whose = _of(len(readings), "row", "rows"), _of(len(people), "person", "people")
    said = f"booked {money(total, policy.unit)} from {counted} of {whose}"
    begin = period.starts_at.astimezone(policy.zone).date()
    early = sum(one.day < begin for one in readings)
    if early:
        rows_are = f"{early} rows are" if early > 1 else "1 row is"
        said += f"\n{rows_are} of days before the open period, which began on {begin}: what is new in them counts in the open one"
    return said, people if total else []


def _of(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _moments(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return now.astimezone(zone), now.astimezone(UTC)


def _under_one_name(session: Session, readings: Iterable[MemberUsage]) -> list[MemberUsage]:
    # `GPT-4o` and `gpt-4o ` are one model: the spelling that is already stored wins, else lower case.
    readings = list(readings)
    days = {one.day for one in readings}
    kept = session.exec(select(Usage.model).where(col(Usage.day).in_(days)).distinct()).all()
    spelt = {normal(model): model for model in sorted(kept)}
    by_key: dict[tuple[int, date, str], list[MemberUsage]] = {}
    for one in readings:
        name = one.model if one.model in kept else spelt.get(normal(one.model), normal(one.model))
        by_key.setdefault((one.member_id, one.day, name), []).append(one)
    return [_added(key, parts) for key, parts in by_key.items()]


def normal(model: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", model).casefold().split())


def _reading(cells: dict[str, str], ids: dict[str, int], unit: Unit, latest: date) -> MemberUsage:
    """One row. Raises `ValueError` with the reason for the operator."""
    email = cells["email"].lower()
    if email not in ids:
        raise ValueError(f"nobody has the e-mail {email}" if email else "the e-mail is missing")
    if not cells["model"]:
        raise ValueError("the model is missing")
    try:
        on = date.fromisoformat(cells["day"])
    except ValueError:
        raise ValueError(f"{cells['day']!r} is no day such as 2026-11-09") from None
    if on > latest:
        raise ValueError(f"{on} lies in the future; today is {latest}")
    try:
        amount = round_up_plain(cells["amount"], unit)
    except BadAmount as no:
        raise ValueError(f"amount {why_no_amount(no, cells['amount'])}") from None
    if cells["amount"].lstrip().startswith("-") and amount <= 0:
        raise ValueError("amount must not be negative: figures are cumulative")
    put, out = (_count(cells, name) for name in COLUMNS[4:6])
    return MemberUsage(ids[email], on, cells["model"], amount, put, out, (cells["agent"],))


def _summed(readings: Iterable[MemberUsage]) -> Iterator[MemberUsage]:
    # The agents of a member, day and model are added up; of a repeated row the larger amount counts.
    by_key: dict[tuple[int, date, str], dict[tuple[str, ...], MemberUsage]] = {}
    for one in sorted(readings, key=lambda one: one.amount):
        by_key.setdefault((one.member_id, one.day, one.model), {})[one.agents] = one
    for key, parts in by_key.items():
        yield _added(key, list(parts.values()))


def _added(key: tuple[int, date, str], parts: list[MemberUsage]) -> MemberUsage:
    amount, put, out = (
        sum(getattr(one, name) for one in parts) for name in ("amount", "input_tokens", "output_tokens")
    )
    agents = tuple(dict.fromkeys(agent for one in parts for agent in one.agents))
    return MemberUsage(*key, amount, put, out, agents)


def _count(cells: dict[str, str], name: str) -> int:
    text = cells[name]
    if text and not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(f"{name} {text!r} is no whole number")
    return int(text or 0)
