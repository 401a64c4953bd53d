"""show, grant, usage import, tick, audit, export."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from sqlmodel import Session

from bot.cli.console import Failed, as_json, content, day, ledger, member, moment, money, read, table
from bot.cli.export import csv_lines, json_lines
from bot.cli.sheet import Line, SheetError, lines
from bot.cli.ticking import read_gateway, tick_once
from bot.database import Database
from bot.settings import Settings
from handlers.announcement import given
from handlers.context import Context
from handlers.words import refusals
from models.ledger import audit as checks
from models.ledger.amount import ALL, Unit, from_plain, parse
from models.ledger.transfer import Cause
from models.messages.outbox import Mailing
from models.metering.usage import Reading, book
from models.people.member import Member, ids_by_email
from models.policy import document, versions
from models.quota.grant import give, give_team, take
from models.quota.period import Period
from models.quota.policy_change import move_on
from models.quota.wallet import wallet_of
from models.refusal import BadAmount, BadDate, InsufficientQuota
from models.reports.export import BOOKS, Book, Row, Style
from models.reports.member import show as shown

app = typer.Typer()
usage = typer.Typer(name="usage", help="What was spent, from a file.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


class What(StrEnum):
    LEDGER = "ledger"
    LOANS = "loans"
    REQUESTS = "requests"
    USAGE = "usage"


@app.command()
def show(email: Annotated[str, typer.Argument(metavar="EMAIL")], json_: Json = False) -> None:
    """What somebody has, gave, took and asked for."""
    with ledger() as database:
        found = database.query(lambda session: shown(session, member(session, email)))
    if json_:
        as_json(found)
        return
    words = {**found, "period": " – ".join(found["period"].values()) if found["period"] else "none"}
    table([(name, str(value)) for name, value in words.items() if not isinstance(value, list | None)])
    for loan in found["loans"]:
        typer.echo(
            f"loan {loan['id']}: {loan['role']} with {loan['with']}, unspent {loan['unspent']}, owed {loan['owed']}"
        )
    for asked in found["requests"]:
        typer.echo(f"request {asked['code']}: {asked['amount']}, {asked['state']}")


@app.command(context_settings={"ignore_unknown_options": True})  # or -20 would be taken for an option
def grant(
    whom: Annotated[list[str], typer.Argument(metavar="[EMAIL] AMOUNT", help="Negative takes it away.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")],
    expires: Annotated[str | None, typer.Option("--expires", metavar="DATE", help="The last day.")] = None,
    team: Annotated[
        str | None, typer.Option("--team", metavar="NAME", help="Everybody in it, instead of EMAIL.")
    ] = None,
    tell: Annotated[
        bool, typer.Option("--tell", help="Write to whom it concerns, one message a second.")
    ] = False,
) -> None:
    """Give somebody, or each member of a team, a top-up, or take quota away."""
    until, why, now = day(expires, "--expires"), reason.strip(), datetime.now(UTC)
    if not why:
        raise typer.BadParameter("a reason is needed", param_hint="--reason")
    if len(whom) != (1 if team else 2):
        raise typer.BadParameter("it is EMAIL AMOUNT, or --team NAME AMOUNT", param_hint="EMAIL AMOUNT")
    with ledger() as database:
        typer.echo(
            database.transact(lambda session: _granted(session, whom, team, until, why, now, tell=tell))
        )


def _granted(
    session: Session, whom: list[str], team: str | None, until: date | None, reason: str, now: datetime, *, tell: bool
) -> str:  # fmt: skip
    """Do it and say what was done; or fail with nothing moved."""
    version, policy = read(session)
    key = f"grant:{uuid4().hex}"
    ctx = Context(session=session, now=now, key=key, version=version, policy=policy, actor="admin")
    stored = _signed(whom[-1], policy.unit)
    try:
        people = (
            _give_team(ctx, team, stored, until, reason)
            if team
            else [_give_or_take(ctx, whom[0], stored, until, reason)]
        )
    except BadDate as no:
        raise Failed(f"{no.text} is over; nothing was granted") from no
    mailing = Mailing(now)
    for who in people if tell else ():
        given(ctx, who, stored, until=until, reason=reason, mailing=mailing)
    each, total = money(abs(stored), policy.unit), money(stored * len(people), policy.unit)
    if team:
        return f"gave {each} to each of {len(people)} people of {team}: {total}"
    left = money(wallet_of(session, people[0].id).available, policy.unit)
    return f"{'gave' if stored > 0 else 'took'} {each}; {people[0].email} has {left}"


def _give_team(ctx: Context, team: str, stored: int, until: date | None, reason: str) -> list[Member]:
    """Each member of the team gets a top-up that ends by itself."""
    if stored < 0:
        raise Failed("a team is given to; quota is taken from one person at a time")
    people = give_team(ctx.session, team, stored, until=until, policy=ctx.policy, cause=ctx.cause(reason))
    if not people:
        raise Failed(f"nobody is in the team {team}; nothing was granted")
    return people


def _give_or_take(ctx: Context, email: str, stored: int, until: date | None, reason: str) -> Member:
    found, cause = member(ctx.session, email), ctx.cause(reason)
    if found.left_at is not None:
        raise Failed(f"{found.email} has left; nothing was changed")
    if stored > 0:
        give(ctx.session, found, stored, until=until, policy=ctx.policy, cause=cause)
        return found
    if until is not None:
        raise Failed("--expires is for what is given")
    try:
        take(ctx.session, found, -stored, cause=cause)
    except InsufficientQuota as no:
        held = money(no.available, ctx.policy.unit)
        raise Failed(f"{found.email} holds {held} of their own; nothing was taken") from no
    return found


def _signed(typed: str, unit: Unit) -> int:
    """An amount in stored units: a plain decimal as scripts write it, or what people type; not zero."""
    sign, bare = (-1, typed.strip()[1:]) if typed.strip().startswith("-") else (1, typed.strip())
    try:
        found = from_plain(bare, unit)
    except BadAmount as no:
        if no.why != "not_a_number":
            raise Failed(_why(no, typed)) from no
        found = _typed(bare, typed, unit)
    if not found:
        raise Failed(f"{typed}: there is nothing to move")
    return sign * found


def _typed(bare: str, typed: str, unit: Unit) -> int:
    try:
        reading = parse(bare, unit)
    except BadAmount as no:
        raise Failed(_why(no, typed)) from no
    if reading is ALL:
        raise Failed(f"{typed}: please give a number here")
    return reading.amount


def _why(no: BadAmount, typed: str) -> str:
    return f"{typed}: {refusals.WHY_NO_AMOUNT[no.why]('en')}"


COLUMNS = ("email", "day", "model", "amount", "input_tokens", "output_tokens", "agent")


@usage.command("import")
def usage_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", allow_dash=True, help="- is stdin.")],
) -> None:
    """Book cumulative usage per e-mail, day and model, all or nothing; a replay books nothing.

    With a column `agent` the rows of one e-mail, day and model are added up, and the report counts the agents.
    """
    data, now = content(file), datetime.now(UTC)
    rows = list(lines(data, COLUMNS[:4], COLUMNS))
    key = f"usage:{hashlib.sha256(data).hexdigest()[:16]}"
    with ledger() as database:
        typer.echo(database.transact(lambda session: _book(session, rows, key, now)))


@usage.callback()
def _usages() -> None:
    """Keeps `import` a word of its own while it is the only one."""


def _book(session: Session, rows: list[Line], key: str, now: datetime) -> str:
    version, policy = read(session)
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


def _reading(cells: dict[str, str], ids: dict[str, int], unit: Unit) -> Reading:
    """One row; raises `ValueError` with what is wrong."""
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
        raise ValueError(f"amount {_why(no, cells['amount'])}") from None
    if amount < 0:
        raise ValueError("amount must not be negative: figures are cumulative")
    put, out = (_count(cells, name) for name in COLUMNS[4:6])
    return Reading(ids[email], on, cells["model"], amount, put, out, (cells["agent"],))


def _summed(readings: Iterable[Reading]) -> Iterator[Reading]:
    """One for each member, day and model: what all its agents used; of a row that comes twice the larger one."""
    by_what: dict[tuple[int, date, str], dict[tuple[str, ...], Reading]] = {}
    for one in sorted(readings, key=lambda one: one.amount):
        by_what.setdefault((one.member_id, one.day, one.model), {})[one.agents] = one
    for what, parts in by_what.items():
        amount = sum(one.amount for one in parts.values())
        put, out = (
            sum(getattr(one, name) for one in parts.values()) for name in ("input_tokens", "output_tokens")
        )
        yield Reading(*what, amount, put, out, tuple(agent for (agent,) in parts))


def _count(cells: dict[str, str], name: str) -> int:
    text = cells[name]
    if text and not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(f"{name} {text!r} is no whole number")
    return int(text or 0)


@app.command()
def tick(
    now: Annotated[str | None, typer.Option(metavar="ISO8601", help="As if it were then.")] = None,
    deliver: Annotated[bool, typer.Option("--deliver", help="With --now: send messages, too.")] = False,
) -> None:
    """All due work once, then exit."""
    settings = Settings.load()
    with ledger(settings) as database:
        at, until, early = database.query(lambda session: _when(session, now))
        if not early:
            if deliver or now is None:
                asyncio.run(read_gateway(settings, database, at))
            while database.transact(lambda session: move_on(session, at)):
                pass
            asyncio.run(tick_once(settings, database, at, deliver=deliver or now is None))
            _, until, _ = database.query(lambda session: _when(session, now))
    typer.echo(f"{'nothing to do: ' if early else ''}{until}")


def _when(session: Session, typed: str | None) -> tuple[datetime, str, bool]:
    """The moment that is meant, what period is open, and whether nothing can be due then."""
    current, period = versions.current(session), Period.latest(session)
    zone = current[1].zone if current else UTC
    at = moment(typed, zone, "--now") if typed else datetime.now(UTC)
    if current is None or period is None:
        return at, "no policy was applied yet", True
    start, end = (one.astimezone(current[1].zone).isoformat() for one in (period.starts_at, period.ends_at))
    return at.astimezone(UTC), f"the open period is {start} – {end}", at < period.starts_at


@app.command()
def audit(json_: Json = False) -> None:
    """Add the whole ledger up again and check what is always true."""
    with ledger() as database:
        report = database.query(checks.audit)
    if json_:
        wrong = [{"rule": rule, "id": number, "found": found} for rule, number, found in report.wrong]
        as_json({"counts": report.counts, "wrong": wrong})
    else:
        table([(name, str(count)) for name, count in report.counts.items()])
    if report.wrong:
        raise Failed(
            *(f"not true: {rule}: row {number}, found {found}" for rule, number, found in report.wrong)
        )
    if not json_:
        typer.echo("everything adds up")


@dataclass(frozen=True)
class _Export:
    book: Book
    style: Style
    since: date | None

    def rows(self, database: Database) -> Iterator[Row]:
        """Page by page, each its own short transaction, so that nobody waits for the reader of a pipe."""
        after: Any = None
        while True:
            page, after = database.query(
                partial(self.book.page, style=self.style, since=self.since, after=after)
            )
            if not page:
                return
            yield from page


@app.command("export")
def export_(
    what: Annotated[What, typer.Argument()],
    format_: Annotated[
        Format, typer.Option("--format", help="csv is safe to open in a spreadsheet.")
    ] = Format.CSV,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="From this day on.")] = None,
) -> None:
    """Everything of a kind, to stdout."""
    book, first = BOOKS[what], day(since, "--since")
    with ledger() as database:
        rows = _Export(book, database.query(_style), first).rows(database)
        for line in json_lines(rows) if format_ is Format.JSONL else csv_lines(book.columns, rows):
            typer.echo(line, nl=False)


def _style(session: Session) -> Style:
    current = versions.current(session)
    policy = current[1] if current else document.parse("{unit: USD, allocations: []}")
    return Style(policy.unit, policy.zone)
