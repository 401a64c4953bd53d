"""gateway status, diff, link, adopt, restore, release.

The operator's modules are imported by each command, as the HTTP library takes a moment to load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import typer

from bot.cli.console import agree, open_database, progress
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.settings import Settings
from models.ledger.amount import Unit, plain

if TYPE_CHECKING:
    from bot.gateways.configured import GatewayConfig
    from bot.gateways.operator.access import GatewayOperator, LimitLine
    from bot.gateways.operator.links import Links
    from bot.gateways.operator.status import LadderStatus, Status

app = typer.Typer(name="gateway", help="What the gateway meters and enforces.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Json = Annotated[bool, typer.Option("--json", help="For a program.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Name = Annotated[
    str, typer.Option("--gateway", metavar="NAME", help="One gateway of GATEWAYS_FILE; else every one.")
]
T = TypeVar("T")
MOST = 20  # names in a printed list; --json has all


@app.command()
def status(json: Json = False, gateway: Name = "") -> None:
    """The gateway, its mode, the age of the last reading, limits that wait, and problems with their fix."""
    from bot.gateways.operator import status  # noqa: PLC0415

    asked = _ask_each(status.status, gateway)
    if json:
        _as_json(asked)
    else:
        for line in (line for one in asked.found for line in _status(one)):
            typer.echo(line)
    asked.finish()
    if any(one.unread for one in asked.found):
        raise typer.Exit(1)


def _status(found: Status) -> list[str]:
    lines = [f"{_named(found.name)}{found.kind}, {_mode(found)}", _read(found)]
    if found.problem:
        lines.append(f"the gateway's last error: {found.problem}")
    if found.mode != "enforce":
        lines.append(f"enforcing would write {found.pending} limits: see `quotabot gateway diff`")
    elif found.pending:
        lines.append(f"{found.pending} limits wait to be written: about {_span(max(1, found.seconds))}")
    if found.restored_at:
        lines.append(
            f"put back from a backup {_time(found.restored_at)}: limits above the ledger are lowered, those below it wait "
            "for `quotabot gateway restore --all` or `adopt EMAIL`"
        )
    lines += [_edited(one, restored=bool(found.restored_at)) for one in found.edited]
    lines += [f"not written: {one.label}: {one.why}" for one in found.errors]
    lines += [
        f"one balance for several accounts: {one} ({', '.join(accounts)}); between two readings each can spend all of it"
        for one, accounts in found.shared[:MOST]
    ]
    lines += _ladder(found.ladder)
    lines += _unlinked(found.people, found.strangers, found.name)
    if found.unread:
        return [*lines, "preflight: not known, as the gateway does not answer"]
    return [*lines, *(f"preflight: {text}" for text in found.findings or ["nothing else binds"])]


def _edited(one: LimitLine, *, restored: bool) -> str:
    why = "from after the backup" if restored else "changed by hand"
    if one.models is not None:
        stands, ours = (", ".join(words) or "every model" for words in one.models)
        return f"{why}: {one.label}: the models {ours} are ours, {stands} may be used there; `quotabot gateway restore {one.email}`"
    said = f"{why}: {one.label}: {usd(one.wanted)} is ours, {usd(one.found)} stands there; "
    return f"{said}`quotabot gateway adopt {one.email}` or `restore {one.email}`"


def _ladder(found: LadderStatus | None) -> list[str]:
    """Nothing where the policy names no models."""
    if found is None:
        return []
    if not found.limits_models:
        lines = ["models: this gateway cannot limit them, so nobody falls back to cheaper ones here"]
    else:
        lines = [f"models: {what}: {_some(models)}" for what, models in found.can]
        lines += [f"models: {what}: nothing there lets these through and no others" for what in found.cannot]
    if found.on_fallback:
        lines.append(f"on the fallback's models: {len(found.on_fallback)}: {_some(found.on_fallback)}")
    if found.closed:
        lines.append(
            f"closed, as their allocation names models and they cannot be kept to these here: {_some(found.closed)}"
        )
    return lines


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def _mode(found: Status) -> str:
    if found.released_at:
        return (
            f"released {_time(found.released_at)}: nothing is written until `quotabot gateway release --undo`"
        )
    return "enforcing limits" if found.mode == "enforce" else "observing: nothing is written"


def _read(found: Status) -> str:
    if found.read_at is None:
        return "never read yet: `quotabot gateway link` reads it once, `quotabot run` all the time"
    ago = (datetime.now(UTC) - found.read_at).total_seconds()
    return f"last read {_time(found.read_at)}, {_span(ago)} ago; reading took {found.took:.1f} s"


@app.command()
def diff(json: Json = False, gateway: Name = "") -> None:
    """Every limit that enforcing would write: found → wanted, and what is spent of it. Changes nothing."""
    from bot.gateways.operator import status  # noqa: PLC0415

    asked = _ask_each(status.plan, gateway)
    if json:
        as_json([asdict(one) for lines in asked.found for one in lines])
    else:
        found = [one for lines in asked.found for one in lines]
        rows: list[tuple[str, ...]] = [
            (
                one.email,
                one.called,
                f"{usd(one.found)} → {usd(one.wanted)}",
                f"{usd(one.spent)} spent",
                _models(one),
            )
            for one in found
        ]
        table(rows)
        typer.echo(f"{len(found)} limits differ")
    asked.finish()


def _models(one: LimitLine) -> str:
    if one.models is None:
        return ""
    return "models: " + " → ".join(", ".join(words) or "every model" for words in one.models)


@app.command()
def link(
    plan: Annotated[bool, typer.Option("--plan", help="Show it only.")] = False,
    json: Json = False,
    gateway: Name = "",
) -> None:
    """Find the owners of the gateway's accounts, and link the accounts as they are."""
    from bot.gateways.operator import links  # noqa: PLC0415

    asked = _ask_each(lambda operator: links.link(operator, plan=plan), gateway)
    if json:
        _as_json(asked)
    else:
        for line in (line for one in asked.found for line in _links(one)):
            typer.echo(line)
    asked.finish()


def _links(found: Links) -> list[str]:
    here = _named(found.name)
    lines = [f"{here}+ {found.called[account]} belongs to {email}" for account, email in found.new]
    lines += [
        f"~ {found.called[account]} passes from {old} to {new}" for account, old, new in found.passed_on
    ]
    lines += _unlinked(found.people, found.strangers, found.name)
    return [*lines, f"{len(found.new)} linked, {len(found.passed_on)} passed on"]


@app.command()
def adopt(email: Email, gateway: Name = "") -> None:
    """Take the limit that somebody set by hand as right: the ledger follows, by a top-up to the period's end or a cut."""
    from bot.gateways.operator import edits  # noqa: PLC0415

    _settled(_ask_any(lambda operator: edits.adopt(operator, email), gateway))


@app.command()
def restore(
    email: Annotated[str, typer.Argument(metavar="EMAIL")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Every limit that was changed by hand.")] = False,
    gateway: Name = "",
) -> None:
    """Write our limit again over the one that somebody set by hand."""
    from bot.gateways.operator import edits  # noqa: PLC0415

    if everybody == bool(email):
        raise typer.BadParameter("name one EMAIL, or say --all")
    if not everybody:
        _settled(_ask_any(lambda operator: edits.restore(operator, email), gateway))
        return
    found = _ask_any(edits.restore_all, gateway)
    _settled(found)
    typer.echo(f"{len(found)} limits are ours again")


def _settled(found: list[LimitLine]) -> None:
    for one in found:
        typer.echo(f"{one.label}: {usd(one.found)} → {usd(one.wanted)}")
    if why := next((one.why for one in found if one.why), ""):
        raise Failed(f"the gateway did not take it: {why}. The running bot tries again.")


@app.command()
def restored() -> None:
    """Say that the database was put back from a backup by other means than `quotabot restore`, as pg_restore."""
    from models.metering.gateway_state import GatewayState  # noqa: PLC0415 - with the models it needs

    with open_database(Settings.load()) as database:
        database.transact(lambda session: GatewayState.note_restored(session, datetime.now(UTC)))
    typer.echo("the next reading lowers limits above the ledger and lists those below it")


@app.command()
def release(
    yes: Yes = False,
    undo: Annotated[bool, typer.Option("--undo", help="Enforce again.")] = False,
    gateway: Name = "",
) -> None:
    """Put back every limit as it was found, and write none until told so."""
    from bot.gateways.operator import release  # noqa: PLC0415

    if undo:
        _ask_each(release.enforce_again, gateway).finish()
        typer.echo("limits are written again")
        return
    agree(
        "Put back every limit as it was found before the bot? From then on nothing of ours is enforced.", yes
    )
    with progress("releasing", None) as done:
        asked = _ask_each(lambda operator: release.release(operator, done), gateway)
    count, left = sum(count for count, _ in asked.found), [one for _, lines in asked.found for one in lines]
    mode = "mode: observe in GATEWAYS_FILE" if asked.named else "GATEWAY_MODE=observe"
    said = f"{count} limits are as they were found; set {mode} before the next start"
    alone = [f"left alone: {one.label}, {usd(one.found)} stands there: {one.why}" for one in left]
    if alone or asked.failed:
        raise Failed(said, *alone, *asked.failed)
    typer.echo(said)


@dataclass
class Asked(Generic[T]):
    """The answers of the gateways, and the failures of the others in words."""

    found: list[T]
    failed: list[str]
    several: bool
    named: bool = False

    def finish(self) -> None:
        if self.failed:
            raise Failed(*self.failed)


def _as_json(asked: Asked[Any]) -> None:
    """A list where there are several gateways."""
    rows = [asdict(one) for one in asked.found]
    if rows or asked.several:
        as_json(rows if asked.several else rows[0])


def _ask_each(work: Callable[[GatewayOperator], Awaitable[T]], gateway: str) -> Asked[T]:
    """Ask every gateway, or the one named: one that does not answer stops none of the others."""
    from bot.gateways.configured import configured_gateways  # noqa: PLC0415 - the HTTP library takes a moment to load
    from bot.gateways.operator.access import CannotDo, open_operator  # noqa: PLC0415
    from bot.gateways.port import GatewayError, GatewayRefused  # noqa: PLC0415

    settings = Settings.load()
    every = configured_gateways(settings)
    chosen = [one for one in every if gateway in ("", one.name)]
    if not every:
        raise Failed("GATEWAY_KIND is none: set it, GATEWAY_URL and GATEWAY_KEY first")
    if not chosen:
        raise Failed(f"no gateway is called {gateway}; there are {', '.join(one.name for one in every)}")
    live, asked = any(one.enforced for one in every), Asked[T]([], [], len(chosen) > 1, bool(chosen[0].name))

    async def ask(config: GatewayConfig) -> T:
        async with open_operator(config, database, live=live) as operator:
            return await work(operator)

    with open_database(settings) as database:
        for config in chosen:
            try:
                asked.found.append(asyncio.run(ask(config)))
            except CannotDo as why:
                asked.failed.append(f"{_named(config.name)}{why}")
            except (GatewayError, GatewayRefused) as error:
                asked.failed.append(f"{_named(config.name)}the gateway says: {error}")
    if not asked.found:
        asked.finish()
    return asked


def _ask_any(work: Callable[[GatewayOperator], Awaitable[list[LimitLine]]], gateway: str) -> list[LimitLine]:
    """The lines of the gateways that could do it; fails where none could."""
    asked = _ask_each(work, gateway)
    return [one for lines in asked.found for one in lines]


def _named(name: str) -> str:
    return f"{name}: " if name else ""


def _unlinked(people: list[str], strangers: list[tuple[str, str, int]], name: str) -> list[str]:
    lines = []
    if people:
        lines.append(f"without an account there: {len(people)}: {_some(people)}")
    for account, called, spent in strangers[:MOST]:
        lines.append(
            f"belongs to nobody: {account}{f' ({called})' if called not in ('', account) else ''}, spent {usd(spent)}"
        )
    if len(strangers) > MOST:
        lines.append(f"and {len(strangers) - MOST} more accounts that belong to nobody")
    if people or strangers:
        lines.append(
            f"set {f'gateway_id.{name}' if name else 'gateway_id'} in people.csv to the account's id, or its e-mail or owner "
            "there, then link again"
        )
    return lines


def usd(micro: int | None) -> str:
    return "no limit" if micro is None else f"{plain(micro, Unit.USD)} USD"


def _time(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
