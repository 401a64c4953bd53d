"""`pause`: an operator stops somebody's spending at the gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer
from sqlmodel import Session

from bot.actor import acting_user
from bot.cli.console import enforces, member, open_database, policy_in_force
from bot.cli.errors import Failed
from bot.settings import Settings
from handlers import brake
from handlers.context import Context

app = typer.Typer()


@app.command()
def pause(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    reason: Annotated[str, typer.Option("--reason", help="Why; the person reads it.")],
) -> None:
    """Stop somebody's spending till `resume`; only those above them lift it."""
    if not reason.strip():
        raise typer.BadParameter("a reason is needed", param_hint="--reason")
    settings = Settings.load()
    with open_database(settings) as database:
        typer.echo(database.transact(lambda session: _paused(session, settings, email, reason.strip())))


def _paused(session: Session, settings: Settings, email: str, reason: str) -> str:
    ctx, whom = context(session, settings), member(session, email)
    if not whom.active:
        raise Failed(f"{whom.name} has left")
    if not brake.can_stop(ctx, whom):
        raise Failed(
            f"nothing can stop {whom.name}: no limit is enforced for them at a gateway. Nothing was changed"
        )
    told = brake.stop(ctx, whom, reason, None)
    said = f"{whom.name} is paused: the gateway refuses their calls as soon as it has the new limit"
    return said if told else f"{said}\nno message reaches them"


def context(session: Session, settings: Settings) -> Context:
    """That of an operator who pauses or resumes."""
    version, policy = policy_in_force(session)
    live = enforces(settings)
    return Context(
        session=session, now=datetime.now(UTC), key=f"pause:{uuid4().hex}", version=version, policy=policy,
        live=live, actor=acting_user(),
    )  # fmt: skip
