"""policy plan, apply, history, show."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session, col, select

from bot.cli.applying import adjust_all, finish_turn, open_all, recorded, staged, waiting
from bot.cli.console import Failed, agree, as_json, content, day, ledger, money, table
from bot.cli.telling import Announcer, expecting_dropped_change, take_back
from bot.database import Database
from bot.messengers.dingtalk import form
from bot.settings import Settings
from models.ledger.amount import plain
from models.metering.gateway_state import refuse_unmetered
from models.people.member import Member
from models.policy import document, versions
from models.policy.check import Change, TeamTotal, check
from models.policy.check import plan as compare
from models.policy.document import Policy
from models.policy.versions import PolicyVersion
from models.policy.yaml_tree import PolicyError
from models.quota.policy_change import spent_before, standing

app = typer.Typer(name="policy", help="Who gets what: planned, applied, versioned.", no_args_is_help=True)
File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="POLICY_FILE when absent.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


class _Plan:
    """What a policy would change: for whom, for each team, and which other settings."""

    def __init__(self, session: Session, policy: Policy) -> None:
        """Raises `PolicyError` for what would be refused."""
        versions.refuse_unit_change(session, policy)
        members = list(session.exec(select(Member).order_by(col(Member.email))).all())
        if problems := check(policy, members):
            raise PolicyError(problems)
        current = versions.current(session)
        before = current[1] if current else None
        status = standing(session, before, members)
        self.policy, self.first = policy, current is None
        self.people = sum(one.active for one in members)
        self.changes: list[Change]
        self.teams: list[TeamTotal]
        self.changes, self.teams = compare(before, policy, members, status)
        self.spent = spent_before(session)
        self.settings = _changed_settings(before, policy)
        self.staged = versions.staged(session)
        self.wanting = form.missing(session, policy)

    @property
    def cuts(self) -> int:
        return sum(change.after < change.before for change in self.changes)

    @property
    def empty(self) -> bool:
        return not self.changes and not self.settings


def _changed_settings(before: Policy | None, after: Policy) -> list[str]:
    if before is None:
        return []
    old, new = before.model_dump(by_alias=True), after.model_dump(by_alias=True)
    return [key for key in new if new[key] != old[key]]


@app.command()
def plan(file: File = None, json_: Json = False) -> None:
    """Who gets what, before → after, and why; exit 3 when something changes. Nothing is changed by this."""
    _, policy = _parsed(file)
    with ledger() as database:
        found = database.query(lambda session: _Plan(session, policy))
    as_json(_as_data(found)) if json_ else _print(found)
    _say_wanting(found)
    if not found.empty:
        raise typer.Exit(3)


@app.command()
def apply(
    file: File = None,
    yes: Annotated[bool, typer.Option("--yes", help="Also when people get less.")] = False,
    tell: Annotated[bool, typer.Option("--tell", help="Write to everybody it touches.")] = False,
    effective: Annotated[
        str | None, typer.Option(metavar="DATE", help="From this day on; what waits already is dropped.")
    ] = None,
) -> None:
    """Put a policy in force. The first one opens the period and tells nobody; done again it goes on where it was killed."""
    text, policy = _parsed(file)
    now, starts = datetime.now(UTC), day(effective, "--effective")
    if starts is not None and starts < now.astimezone(policy.zone).date():
        raise Failed(f"{starts} is over; nothing was changed")
    with ledger() as database:
        found = database.query(lambda session: _Plan(session, policy))
        _say_wanting(found)
        if found.first:
            _open(database, text, policy, now, starts)
        else:
            _change(database, found, text, now, starts, yes=yes, tell=tell)


def _open(database: Database, text: str, policy: Policy, now: datetime, starts: date | None) -> None:
    if starts is not None and starts > now.astimezone(policy.zone).date():
        raise Failed("the first policy opens the current period, so it cannot wait for a day")
    people = open_all(database, text, policy, now, _who())
    typer.echo(f"version 1 is in force: {people} people have their whole allocation; nobody was told")


def _change(
    database: Database, found: _Plan, text: str, now: datetime, starts: date | None, *, yes: bool, tell: bool
) -> None:
    if found.cuts:
        agree(f"{found.cuts} of {found.people} people get less.", yes)
    policy = found.policy
    later = starts if starts and starts > now.astimezone(policy.zone).date() else None
    told = Announcer(now, later, found.changes) if tell else None
    dropped, version = waiting(database, now), _keep(database, text, now, later)
    take_back(database, version, now, [] if later else [change.member.id for change in found.changes])
    if told is not None:  # before anything is posted: who is not told when this is killed is found again
        told.tell_all(database, version, policy)
    if later:
        said = f"waits for {later}; it touches {len(found.changes)}"
    else:
        said = f"is in force; it touched {adjust_all(database, version, policy, now, found.people)}"
    typer.echo(f"version {version} {said} of {found.people} people")
    if dropped is not None and dropped.version != version:
        typer.echo(f"version {dropped.version}, which waited for {dropped.effective}, is dropped")
    _call_off(database, version, policy, now, told)


def _keep(database: Database, text: str, now: datetime, later: date | None) -> int:
    """The version of this text: in force now, or waiting for its day."""
    if later:
        return database.transact(lambda session: staged(session, text, now, _who(), later))
    finish_turn(database, now)
    return database.transact(lambda session: recorded(session, text, now, _who()))


def _call_off(
    database: Database, version: int, policy: Policy, now: datetime, told: Announcer | None
) -> None:
    """Who expects what does not come is told so, or at least counted."""
    expecting = database.query(partial(expecting_dropped_change, version=version, policy=policy, now=now))
    if told is not None:
        database.transact(
            partial(told.call_off, version=version, policy=policy, expecting_dropped_change=expecting)
        )
        typer.echo(database.query(told.summary))
    elif expecting:
        typer.echo(f"{len(expecting)} had been told of a change that does not come; --tell would call it off")


def _say_wanting(found: _Plan) -> None:
    """What the policy asks for and cannot have yet: no reason to refuse it."""
    for line in found.wanting:
        typer.echo(f"requests.channel oa: {line}", err=True)


@app.command()
def history(json_: Json = False) -> None:
    """Every version that was applied."""
    with ledger() as database:
        found = database.query(_versions)
    if json_:
        as_json(found)
    elif found:
        head = ("version", "state", "applied_at", "applied_by", "effective", "in_force_at")
        table([head, *(tuple(str(one[name] or "–") for name in head) for one in found)])


def _versions(session: Session) -> list[dict[str, Any]]:
    rows = session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version))).all()
    current = versions.current(session)
    at: Callable[[datetime | None], str | None] = lambda one: one.astimezone(UTC).isoformat() if one else None  # noqa: E731
    return [
        {
            "version": one.version,
            "state": _state(one, current[0] if current else None, rows[-1]),
            "applied_at": at(one.applied_at),
            "applied_by": one.applied_by,
            "effective": one.effective.isoformat() if one.effective else None,
            "in_force_at": at(one.in_force_at),
        }
        for one in rows
    ]


def _state(one: PolicyVersion, current: int | None, newest: PolicyVersion) -> str:
    """in force, over (it was in force), waits (for its day), or dropped (another took its place before its day)."""
    if one.in_force_at is not None:
        return "in force" if one.version == current else "over"
    return "waits" if one is newest else "dropped"


@app.command()
def show(
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="The last one in force that day.")
    ] = None,
) -> None:
    """A policy as it was applied."""
    wanted = day(at, "--at")
    with ledger() as database:
        text = database.query(lambda session: _text_at(session, wanted))
    typer.echo(text, nl=not text.endswith("\n"))


def _text_at(session: Session, wanted: date | None) -> str:
    """What was in force when that day ended; for a day to come what is staged till then."""
    recorded = session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version))).all()
    best = None
    for one in recorded:
        zone = versions.policy_of(one.version or 0, one.text).zone
        waits = (
            one.effective if one is recorded[-1] else None
        )  # a later one takes the place of who still waits
        since = one.in_force_at.astimezone(zone).date() if one.in_force_at else waits
        in_time = since is not None and since <= wanted if wanted else one.in_force_at is not None
        if in_time:
            best = one.text
    if best is None:
        raise Failed(f"no policy was in force on {wanted}" if wanted else "no policy was applied yet")
    return best


def _parsed(file: Path | None) -> tuple[str, Policy]:
    settings = Settings.load()
    path = file or settings.policy_file
    data = content(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Failed(f"{path.name}:{line}: not UTF-8; save the file as UTF-8") from error
    policy = document.parse(text, path.name)
    if settings.gateway_kind != "none":
        refuse_unmetered(policy, enforce=settings.gateway_mode == "enforce")
    return text, policy


def _who() -> str:
    try:
        return f"admin:{getpass.getuser()}"
    except (KeyError, OSError):
        return "admin"


# what a plan looks like


def _as_data(found: _Plan) -> dict[str, Any]:
    unit = found.policy.unit
    return {
        "unit": unit.value,
        "people": found.people,
        "changes": [
            {
                "email": one.member.email,
                "name": one.member.name,
                "team": one.member.team,
                "before": plain(one.before, unit),
                "after": plain(one.after, unit),
                "rule": one.rule,
                "reason": one.reason,
            }
            for one in found.changes
        ],
        "teams": [_team(found, one) for one in (*found.teams, _sum(found))],
        "settings": found.settings,
        "staged": _waiting(found.staged),
    }


def _waiting(staged: PolicyVersion | None) -> dict[str, Any] | None:
    """What waits for its day, and would be dropped by applying this."""
    if staged is None:
        return None
    return {"version": staged.version, "effective": str(staged.effective)}


def _team(found: _Plan, one: TeamTotal) -> dict[str, Any]:
    unit = found.policy.unit
    spent = (
        sum(found.spent.values()) if one.team is _EVERYBODY else found.spent.get(document.fold(one.team), 0)
    )
    return {
        "team": one.team,
        "people": one.people,
        "before": plain(one.before, unit),
        "after": plain(one.after, unit),
        "spent_last_period": plain(spent, unit) if found.spent else None,
    }


_EVERYBODY = "*"


def _sum(found: _Plan) -> TeamTotal:
    parts = found.teams
    return TeamTotal(
        _EVERYBODY,
        sum(one.people for one in parts),
        sum(one.before for one in parts),
        sum(one.after for one in parts),
    )


def _by(rule: int) -> str:
    """As an error would name it: `allocations[2]`."""
    return f"allocations[{rule}]" if rule >= 0 else "–"


def _print(found: _Plan) -> None:
    data = _as_data(found)
    if found.staged is not None:
        typer.echo(
            f"version {found.staged.version} waits for {found.staged.effective}; applying another drops it"
        )
    if found.empty:
        typer.echo(f"nothing changes for {found.people} people")
        return
    if found.changes:
        rows = [
            (
                one["email"],
                one["team"] or "–",
                one["before"],
                "→",
                one["after"],
                _by(one["rule"]),
                one["reason"],
            )
            for one in data["changes"]
        ]
        table([("who", "team", "before", "", "after", "rule", "why"), *rows])
        typer.echo("")
    head = ("team", "people", "before", "", "after", "spent last period")
    teams = [
        (
            one["team"] or "–",
            str(one["people"]),
            one["before"],
            "→",
            one["after"],
            one["spent_last_period"] or "–",
        )
        for one in data["teams"]
    ]
    table([head, *teams])
    if found.settings:
        typer.echo(f"settings that change: {', '.join(found.settings)}")
    total = _sum(found)
    typer.echo(
        f"{len(found.changes)} of {found.people} people, {money(total.before, found.policy.unit)} → {money(total.after, found.policy.unit)} a period"
    )
