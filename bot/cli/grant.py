"""`grant`: quota given or taken by an operator."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import uuid4

import typer
from sqlmodel import Session

from bot.actor import acting_user
from bot.cli.console import day, member, money, open_database, policy_in_force
from bot.cli.errors import Failed
from handlers.announcement import given, voided
from handlers.context import Context
from handlers.words import refusals
from models.ledger.amount import ALL, Unit, from_plain, parse
from models.messages.outbox import Mailing
from models.metering.booking import void_usage
from models.metering.gateway_state import rate_now
from models.people.member import Member
from models.quota.grant import give, give_team, take
from models.quota.wallet import wallet_of
from models.refusal import BadAmount, BadDate, InsufficientQuota

app = typer.Typer()


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
    void: Annotated[
        str | None,
        typer.Option(
            "--void-usage", metavar="AMOUNT", help="Take back usage that a gateway booked by mistake."
        ),
    ] = None,
) -> None:
    """Give somebody, or each member of a team, a top-up, take quota away, or take back usage booked by mistake."""
    until, why, now = day(expires, "--expires"), reason.strip(), datetime.now(UTC)
    if not why:
        raise typer.BadParameter("a reason is needed", param_hint="--reason")
    if void is not None:
        if len(whom) != 1 or team or until:
            raise typer.BadParameter(
                "it is EMAIL --void-usage AMOUNT --reason TEXT", param_hint="--void-usage"
            )
        with open_database() as database:
            typer.echo(database.transact(lambda session: _voided(session, whom[0], void, why, now)))
        return
    if len(whom) != (1 if team else 2):
        raise typer.BadParameter("it is EMAIL AMOUNT, or --team NAME AMOUNT", param_hint="EMAIL AMOUNT")
    with open_database() as database:
        typer.echo(
            database.transact(lambda session: _granted(session, whom, team, until, why, now, tell=tell))
        )


def _voided(session: Session, email: str, typed: str, reason: str, now: datetime) -> str:
    """Take back usage, tell the member, and return a sentence about it; or fail with nothing moved."""
    version, policy = policy_in_force(session)
    key = f"void:{uuid4().hex}"
    ctx = Context(session=session, now=now, key=key, version=version, policy=policy, actor=acting_user())
    amount, found = _signed(typed, policy.unit), member(session, email)
    if amount < 0:
        raise Failed("--void-usage takes a positive amount; nothing was changed")
    if found.left_at is not None:
        raise Failed(f"{found.email} has left; nothing was changed")
    try:
        void_usage(session, found, amount, rate_now(session, policy), ctx.cause(reason))
    except InsufficientQuota as no:
        used = money(no.available, policy.unit)
        raise Failed(f"{found.email} used {used} this period; nothing was voided") from no
    told = voided(ctx, found, amount, reason)
    left = money(wallet_of(session, found.id).available, policy.unit)
    heard = "" if told else "; no messenger reaches them"
    return f"voided {money(amount, policy.unit)} of usage; {found.email} has {left}{heard}"


def _granted(
    session: Session, whom: list[str], team: str | None, until: date | None, reason: str, now: datetime, *, tell: bool
) -> str:  # fmt: skip
    """Grant or take, and return a sentence about it. Raises `Failed` with nothing moved."""
    version, policy = policy_in_force(session)
    key = f"grant:{uuid4().hex}"
    ctx = Context(session=session, now=now, key=key, version=version, policy=policy, actor=acting_user())
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
    for person in people if tell else ():
        given(ctx, person, stored, until=until, reason=reason, mailing=mailing)
    each, total = money(abs(stored), policy.unit), money(stored * len(people), policy.unit)
    if team:
        return f"gave {each} to each of {len(people)} people of {team}: {total}"
    left = money(wallet_of(session, people[0].id).available, policy.unit)
    return f"{'gave' if stored > 0 else 'took'} {each}; {people[0].email} has {left}"


def _give_team(ctx: Context, team: str, stored: int, until: date | None, reason: str) -> list[Member]:
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
    """An amount in stored units, not zero: a plain decimal as in scripts, or as people type it."""
    sign, bare = (-1, typed.strip()[1:]) if typed.strip().startswith("-") else (1, typed.strip())
    try:
        found = from_plain(bare, unit)
    except BadAmount as no:
        if no.why != "not_a_number":
            raise Failed(why_no_amount(no, typed)) from no
        found = _typed(bare, typed, unit)
    if not found:
        raise Failed(f"{typed}: there is nothing to move")
    return sign * found


def _typed(bare: str, typed: str, unit: Unit) -> int:
    try:
        reading = parse(bare, unit)
    except BadAmount as no:
        raise Failed(why_no_amount(no, typed)) from no
    if reading is ALL:
        raise Failed(f"{typed}: please give a number here")
    return reading.amount


def why_no_amount(no: BadAmount, typed: str) -> str:
    return f"{typed}: {refusals.WHY_NO_AMOUNT[no.why]('en')}"
