"""policy plan, apply, history, show."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from bot.cli.bundled import bundled
from bot.cli.console import content, day, open_database
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.cli.policy_apply import Apply
from bot.cli.policy_plan import as_data, print_plan
from bot.messengers.dingtalk import form
from bot.settings import Settings
from models.metering.gateway_state import refuse_unmetered
from models.policy import document, versions
from models.policy.document import Policy
from models.quota.policy_plan import PolicyPlan

app = typer.Typer(name="policy", help="Who gets what: planned, applied, versioned.", no_args_is_help=True)
File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="POLICY_FILE when absent.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


@app.command()
def template() -> None:
    """A policy.yaml to start from, with every key explained."""
    typer.echo(bundled("policy.example.yaml").read_text(encoding="utf-8"), nl=False)


@app.command()
def plan(file: File = None, json_: Json = False) -> None:
    """Who gets what, before → after, and why; exit 3 when something changes. Nothing is changed by this."""
    _, policy = _parsed(file)
    with open_database() as database:
        found, wanting = database.query(lambda session: _plan(session, policy))
    as_json(as_data(found)) if json_ else print_plan(found)
    _say_wanting(wanting)
    if not found.empty:
        raise typer.Exit(3)


def _plan(session: Session, policy: Policy) -> tuple[PolicyPlan, list[str]]:
    """The plan, and warnings about settings that cannot take effect yet."""
    return PolicyPlan.of(session, policy), list(form.missing(session, policy))


def _say_wanting(wanting: list[str]) -> None:
    for line in wanting:
        typer.echo(f"requests.channel oa: {line}", err=True)


@app.command()
def apply(
    file: File = None,
    yes: Annotated[bool, typer.Option("--yes", help="Also when people get less.")] = False,
    tell: Annotated[bool, typer.Option("--tell", help="Write to everybody it touches.")] = False,
    silent: Annotated[
        bool, typer.Option("--silent", help="Write to nobody, also when people get less.")
    ] = False,
    effective: Annotated[
        str | None, typer.Option(metavar="DATE", help="From this day on; what waits already is dropped.")
    ] = None,
) -> None:
    """Put a policy in force. The first one opens the period; done again it goes on where it was killed.

    Where people get less, say whether they are written to: --tell or --silent.
    """
    if tell and silent:
        raise typer.BadParameter("say either --tell or --silent")
    text, policy = _parsed(file)
    now, starts = datetime.now(UTC), day(effective, "--effective")
    if starts is not None and starts < now.astimezone(policy.zone).date():
        raise Failed(f"{starts} is over; nothing was changed")
    with open_database() as database:
        found, wanting = database.query(lambda session: _plan(session, policy))
        _say_wanting(wanting)
        step = Apply(database, found, text, now, starts)
        step.open() if found.first else step.change(yes=yes, tell=tell, silent=silent)


@app.command()
def history(json_: Json = False) -> None:
    """Every version that was applied."""
    with open_database() as database:
        found = database.query(_history)
    if json_:
        as_json(found)
    elif found:
        head = ("version", "state", "applied_at", "applied_by", "effective", "in_force_at")
        table([head, *(tuple(str(one[name] or "–") for name in head) for one in found)])


def _history(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "version": one.version,
            "state": state,
            "applied_at": _time(one.applied_at),
            "applied_by": one.applied_by,
            "effective": one.effective.isoformat() if one.effective else None,
            "in_force_at": _time(one.in_force_at),
        }
        for one, state in versions.history(session)
    ]


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


@app.command()
def show(
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="The last one in force that day.")
    ] = None,
) -> None:
    """A policy as it was applied."""
    wanted = day(at, "--at")
    with open_database() as database:
        text = database.query(lambda session: _text_on(session, wanted))
    typer.echo(text, nl=not text.endswith("\n"))


def _text_on(session: Session, wanted: date | None) -> str:
    text = versions.text_on(session, wanted)
    if text is None:
        raise Failed(f"no policy was in force on {wanted}" if wanted else "no policy was applied yet")
    return text


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
    if settings.gateway_kind != "none" or settings.gateways_file is not None:
        from bot.gateways.configured import enforced  # noqa: PLC0415 - the HTTP library takes a moment to load

        refuse_unmetered(policy, enforce=enforced(settings))
    return text, policy
