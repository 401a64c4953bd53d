"""people import, export, leave, sync."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from bot.actor import acting_user
from bot.cli.console import agree, content, member, open_database, unknown_everywhere
from bot.cli.errors import Failed
from bot.cli.output import as_json
from bot.database import Database
from bot.people.sync import TooManyLeave, apply, as_csv, export_people, rows_from, survey
from bot.people.template import template
from bot.settings import Settings
from handlers.clock.leaving import let_leave
from handlers.context import Context
from handlers.links import tell_of_link
from models.messages.outbox import Mailing
from models.metering import forgetting
from models.people.directory import count_unknown_everywhere
from models.people.linking import Found, Plan, carry_out, compare
from models.people.member import Member
from models.people.roster import Changes, Difference, Row

app = typer.Typer(name="people", help="Who is here.", no_args_is_help=True)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show it only.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


class Messenger(StrEnum):
    SLACK = "slack"
    DINGTALK = "dingtalk"


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", allow_dash=True, help="- is stdin.")],
    dry_run: DryRun = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Who is not in the file leaves.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Take people over by e-mail, all or nothing."""
    data, now = content(file), datetime.now(UTC)
    with open_database() as database:
        found = database.query(lambda session: survey(session, data, remove_missing=remove_missing))
        moves = list(_moves(found))
        if dry_run:
            _print(found)
            for loud in moves:
                typer.echo(f"ATTENTION: {loud}")
            return
        for loud in moves:
            agree(loud, yes)
        if found.many_leave:
            agree(f"{len(found.leave)} of {found.active} people would leave, more than 10 %.", yes)
        done = database.transact(lambda session: _import(session, data, remove_missing, now))
        unknown = database.query(count_unknown_everywhere)
    typer.echo(_counts(done))
    if unknown:
        typer.echo(unknown_everywhere(unknown))


def _import(session: Session, data: bytes, remove_missing: bool, now: datetime) -> Changes:
    # Compared again in the writing transaction: people may have changed since the preview.
    found = survey(session, data, remove_missing=remove_missing)
    apply(session, found, now, actor=acting_user(), yes=True)
    return found


def _moves(found: Changes) -> Iterator[str]:
    """Warnings about a column that changes for many people, as after a wrong export."""
    for column in ("manager_email", "team"):
        if found.moves_many(column):
            moved = found.moved(column)
            emptied = sum(not one.fields[column][1] for one in moved)
            yield (
                f"{column} changes for {len(moved)} of {found.active} people, more than 10 %; {emptied} of them would have none."
            )


def _print(found: Changes) -> None:
    for mark, differences in (("+", found.join), ("~", found.change)):
        for one in differences:
            typer.echo(f"{mark} {one.row.email}{_fields(one) if mark == '~' else ''}")
    for leaver in found.leave:
        typer.echo(f"- {leaver.email}")
    typer.echo(f"{_counts(found)}; nothing was changed")


def _fields(one: Difference) -> str:
    parts = (f"{name} {before or '–'} → {after or '–'}" for name, (before, after) in one.fields.items())
    return f": {', '.join(parts)}"


def _counts(found: Changes) -> str:
    numbers = (len(found.join), len(found.change), len(found.leave), found.unchanged)
    return ", ".join(
        f"{n} {word}"
        for n, word in zip(numbers, ("join", "change", "leave", "stay as they are"), strict=True)
    )


@app.command("template")
def template_() -> None:
    """A people.csv to start from, with its columns explained."""
    typer.echo(template(), nl=False)


@app.command()
def export() -> None:
    """Everybody who is here, as people.csv."""
    with open_database() as database:
        typer.echo(database.query(export_people), nl=False)


@app.command()
def leave(email: Annotated[str, typer.Argument(metavar="EMAIL")], yes: Yes = False) -> None:
    """Somebody leaves: loans close both ways, quota expires, requests are void."""
    now = datetime.now(UTC)
    with open_database() as database:
        name, active = database.query(lambda session: _name(session, email))
        if not active:
            typer.echo(f"{name} has left already")
            return
        if sys.stdin.isatty():
            agree(f"{name} leaves: loans close, quota expires, requests are void.", yes)
        database.transact(lambda session: let_leave(session, member(session, email), now, acting_user()))
    typer.echo(f"{name} has left")


def _name(session: Session, email: str) -> tuple[str, bool]:
    found = member(session, email)
    return found.name, found.active


@app.command("forget")
def forget_(email: Annotated[str, typer.Argument(metavar="EMAIL")], yes: Yes = False) -> None:
    """Somebody who has left becomes a pseudonym; the ledger stays exact. It cannot be undone."""
    now = datetime.now(UTC)
    with open_database() as database:
        name, active = database.query(lambda session: _name(session, email))
        if active:
            raise Failed(
                f"{name} is here; who leaves first (`quotabot people leave {email}`) can be forgotten"
            )
        agree(f"Name, e-mail, ids and reasons of {name} will be gone for good.", yes)
        left = database.transact(lambda session: _forget(session, email, now))
    typer.echo(f"{left} is all that is known now")


def _forget(session: Session, email: str, now: datetime) -> str:
    found = member(session, email)
    if not forgetting.is_forgotten(found):
        forgetting.forget(session, found, now, acting_user())
    return found.name


@app.command()
def sync(
    messenger: Annotated[Messenger, typer.Argument()],
    dry_run: DryRun = False,
    yes: Yes = False,
    json_: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Only print its people as people.csv, to start from.")
    ] = False,
) -> None:
    """Learn ids, languages and zones from a workspace; the plan is shown first, and nobody leaves by it."""
    settings = Settings.load()
    with open_database(settings) as database:
        if messenger is Messenger.SLACK:
            _sync_slack(settings, database, dry_run=dry_run, yes=yes, as_data=json_, csv=csv)
        else:
            asyncio.run(_sync_dingtalk(settings, database, dry_run=dry_run, yes=yes, csv=csv))


def _sync_slack(
    settings: Settings, database: Database, *, dry_run: bool, yes: bool, as_data: bool, csv: bool
) -> None:
    if settings.slack_bot_token is None:
        raise Failed("Slack is off: SLACK_BOT_TOKEN is not set")
    people, now = asyncio.run(_slack_people(settings, database)), datetime.now(UTC)
    if csv:
        database.query(lambda session: _print_csv(session, *rows_from(session, "slack", people)))
        return
    plan = database.query(lambda session: compare(session, "slack", people))
    as_json(asdict(plan)) if as_data else _show(plan)
    if dry_run or plan.empty:
        return
    _agree_on_terminal(plan, yes)
    database.transact(lambda session: _carry_out(session, people, now))
    if not as_data:
        typer.echo(f"linked {len(plan.link)} people")


async def _sync_dingtalk(
    settings: Settings, database: Database, *, dry_run: bool, yes: bool, csv: bool
) -> None:
    # One read for plan and change, because reading a large organisation takes minutes.
    import aiohttp  # noqa: PLC0415 - the messengers' libraries take a second to load

    from bot.clock import utc_now  # noqa: PLC0415
    from bot.dispatch import Dispatcher  # noqa: PLC0415
    from bot.messengers.dingtalk.adapter import DingTalk  # noqa: PLC0415
    from bot.messengers.dingtalk.errors import DingTalkError  # noqa: PLC0415
    from bot.messengers.dingtalk.plan import rows_of  # noqa: PLC0415

    if not settings.dingtalk_client_id or settings.dingtalk_client_secret is None:
        raise Failed("DingTalk is off: DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET are not both set")
    async with aiohttp.ClientSession() as http:
        dingtalk = DingTalk(settings, Dispatcher(database, utc_now), http)
        try:
            if csv:
                found = await dingtalk.directory.snapshot()
                database.query(lambda session: _print_csv(session, *rows_of(session, found)))
                return
            plan = await dingtalk.directory.sync(dry=dry_run, yes=yes, actor=acting_user())
        except TooManyLeave as many:
            raise Failed(f"{many}. Say --yes to do it. Nothing was changed.") from many
        except DingTalkError as error:
            raise Failed(f"DingTalk could not be read: {error}. Nothing was changed.") from error
        finally:
            if not (dry_run or csv):
                await dingtalk.tally.write()
    for line in plan.lines():
        typer.echo(line)
    typer.echo(f"{_counts(plan.changes)}{'; nothing was changed' if dry_run else ''}")


def _print_csv(session: Session, rows: list[Row], skipped: list[tuple[str, str]]) -> None:
    typer.echo(as_csv(session, rows), nl=False)
    for name, why in skipped:
        typer.echo(f"! {name}: {why}", err=True)
    left_out = f", {len(skipped)} left out" if skipped else ""
    typer.echo(f"{len(rows)} people{left_out}; nothing was changed", err=True)


def _agree_on_terminal(plan: Plan, yes: bool) -> None:
    # A script needs no `--yes`: only exact e-mails are linked.
    if sys.stdin.isatty():
        agree(f"Link {len(plan.link)} people and learn of {len(plan.learn)}?", yes)


def _carry_out(session: Session, people: list[Found], now: datetime) -> None:
    plan = compare(session, "slack", people)
    carry_out(session, plan, people, now, acting_user())
    ctx, mailing = Context.of(session, now, f"links:{now.isoformat()}"), Mailing(now)
    for link in plan.link:
        member = Member.by_email(session, link.email)
        if ctx is not None and member is not None:
            tell_of_link(ctx, member, link.address, mailing)


async def _slack_people(settings: Settings, database: Database) -> list[Found]:
    # An error is better than a part of the list, which would make people look gone.
    import aiohttp  # noqa: PLC0415 - Slack's library takes a second to load

    from bot.clock import utc_now  # noqa: PLC0415
    from bot.dispatch import Dispatcher  # noqa: PLC0415
    from bot.messengers.port import MessengerError, Undeliverable  # noqa: PLC0415
    from bot.messengers.slack.adapter import Slack  # noqa: PLC0415

    async with aiohttp.ClientSession() as http:
        slack = Slack(settings, Dispatcher(database, utc_now), http)
        try:
            await slack.directory.ask_ours()
            return await slack.people()
        except (MessengerError, Undeliverable) as error:
            raise Failed(f"Slack does not answer: {error}. Nothing was changed.") from error


def _show(plan: Plan) -> None:
    for link in plan.link:
        typer.echo(f"link     {link.email} → {link.address}{f', before {link.old}' if link.old else ''}")
    for learnt in plan.learn:
        typer.echo(f"learn    {learnt.email}: {' '.join(filter(None, (learnt.locale, learnt.timezone)))}")
    for word, pairs in (("unclear", plan.unclear), ("unknown", plan.unknown), ("gone", plan.gone)):
        _list(word, pairs)
    for email in plan.missing:
        typer.echo(f"missing  {email} is not in the workspace by that e-mail")
    typer.echo(
        f"{len(plan.link)} to link, {plan.linked} linked, {len(plan.unknown)} unknown, {len(plan.gone)} gone, {len(plan.missing)} missing"
    )


def _list(word: str, pairs: Iterable[tuple[str, str]]) -> None:
    for one, other in pairs:
        typer.echo(f"{word:<8} {one} {other}")
