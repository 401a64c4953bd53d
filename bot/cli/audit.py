"""`audit`: add the ledger up again, check the chain, list patterns."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli.console import open_database, seal_all, style_in_force
from bot.cli.errors import Failed
from bot.cli.output import as_json, table
from bot.database import Database
from models.ledger.audit import audit
from models.quota.chain import Verified, knows, verify
from models.reports.patterns import Pattern, list_patterns

app = typer.Typer()


@app.command("audit")
def check_books(
    chain: Annotated[
        bool, typer.Option("--chain", help="Compute the chain of hashes again instead.")
    ] = False,
    patterns: Annotated[
        bool,
        typer.Option("--patterns", help="List rings, ping-pong, one-way flows and split requests instead."),
    ] = False,
    hash_: Annotated[
        str | None,
        typer.Option("--hash", metavar="HEX", help="With --chain: a hash that was printed earlier."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Add the whole ledger up again and check what is always true."""
    if patterns and chain:
        raise typer.BadParameter("one of --chain and --patterns at a time", param_hint="--patterns")
    if hash_ is not None and not chain:
        raise typer.BadParameter("it goes with --chain", param_hint="--hash")
    with open_database() as database:
        if patterns:
            _patterns(database, as_data=json_)
        elif chain:
            _chain(database, hash_, as_data=json_)
        else:
            _ledger(database, as_data=json_)


def _ledger(database: Database, *, as_data: bool) -> None:
    report = database.query(audit)
    if as_data:
        wrong = [{"rule": rule, "id": number, "found": found} for rule, number, found in report.wrong]
        as_json({"counts": report.counts, "wrong": wrong})
    else:
        table([(name, str(count)) for name, count in report.counts.items()])
    if report.wrong:
        raise Failed(
            *(f"not true: {rule}: row {number}, found {found}" for rule, number, found in report.wrong)
        )
    if not as_data:
        typer.echo("everything adds up")


def _chain(database: Database, hash_: str | None, *, as_data: bool) -> None:
    # Seals are checked before new rows are sealed: otherwise a changed row could get a valid seal.
    found = database.query(verify)
    if found.broken is None and found.unsealed:
        seal_all(database)
        found = database.query(verify)
    known = hash_ is None or database.query(lambda session: knows(session, hash_))
    if as_data:
        as_json(_data(found) | ({} if hash_ is None else {"hash_known": known}))
    elif found.broken is None and known:
        typer.echo(f"{found.rows} rows under {found.seals} seals; {found.unsealed} not sealed yet")
        typer.echo(found.head.line if found.head else "chain: nothing is sealed yet")
    if found.broken is not None:
        raise Failed(found.broken.line)
    if not known:
        raise Failed(
            f"the chain does not have the hash {hash_}: seals were cut off, or it is another database's"
        )


def _patterns(database: Database, *, as_data: bool) -> None:
    # Names and sums only; people judge what they mean.
    found = database.query(lambda session: list_patterns(session, style_in_force(session)))
    if as_data:
        as_json([vars(one) for one in found])
        return
    table([(one.kind, " → ".join(one.people), one.since, _figures(one)) for one in found])
    typer.echo(f"{len(found)} patterns; a pattern is no verdict")


def _figures(one: Pattern) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in one.figures.items())


def _data(found: Verified) -> dict[str, Any]:
    broken, head = found.broken, found.head
    return {
        "seals": found.seals,
        "rows": found.rows,
        "unsealed": found.unsealed,
        "head": head._asdict() if head else None,
        "broken": vars(broken) if broken else None,
    }
