"""The arguments of a handler, read from a Command: members, amounts, days, CODEs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from handlers.command import Command
from handlers.context import RequestContext
from models.ledger.amount import All, parse
from models.people.member import HERE, Member, addresses, require_colleague
from models.people.messenger import traits_of
from models.people.profile import LANGUAGES, STATUS_KEPT
from models.refusal import (
    AllNotAllowed,
    BadDate,
    NotAColleague,
    OnlyColleagues,
    StatusUnknown,
    UnknownMention,
    UnknownSender,
    WrongUsage,
)

ArgumentReader = Callable[[RequestContext, Command], Any]


@dataclass(eq=False)
class ProfileNeeded(StatusUnknown):
    """A profile must be read first: the dispatcher reads `addresses` and tries once more."""

    addresses: tuple[str, ...]


def person(ctx: RequestContext, command: Command) -> Member:
    found = maybe_person(ctx, command)
    if found is None:
        raise WrongUsage(command.intent)
    return found


def maybe_person(ctx: RequestContext, command: Command) -> Member | None:
    named = command.person
    if named is None:
        return None
    if named.member is not None:
        return _colleague(ctx, ctx.session.get_one(Member, named.member))
    if named.id is None:
        return _colleague(ctx, Member.named(ctx.session, named.name or ""))
    try:
        return _colleague(ctx, Member.at(ctx.session, f"{ctx.messenger}:{named.id}"))
    except UnknownSender:
        raise UnknownMention from None


def _colleague(ctx: RequestContext, member: Member) -> Member:
    require_colleague(member)
    require_here(ctx, member)
    return member


def require_here(ctx: RequestContext, member: Member) -> None:
    """Raise unless a messenger lately called the member a colleague: guests, bots and outsiders take no part.

    An unknown status raises `ProfileNeeded`.
    """
    if not ctx.colleagues_only:
        return
    every = addresses(ctx.session, member.id)
    known = [address for address in every if traits_of(address.messenger).profiles]
    # A member on messengers without profiles counts as a colleague.
    if every and not known:
        return
    for address in known:
        status = ctx.statuses.get(address.address)
        if status is None and address.status_at and ctx.now - address.status_at < STATUS_KEPT:
            status = address.status
        if status == HERE:
            return
        if status is not None:
            # What somebody else is, nobody is told.
            raise OnlyColleagues if member.id == ctx.me.id else NotAColleague(member.name)
    raise ProfileNeeded(tuple(one.address for one in known))


def amount(ctx: RequestContext, command: Command) -> int:
    """In stored units. `all` is refused."""
    found = amount_or_all(ctx, command)
    if found is None:
        raise AllNotAllowed if command.amount else WrongUsage(command.intent)
    return found


def maybe_amount(ctx: RequestContext, command: Command) -> int | None:
    """None without an amount. `all` is refused."""
    return amount(ctx, command) if command.amount else None


def amount_or_all(ctx: RequestContext, command: Command) -> int | None:
    """None for `all`, and without an amount."""
    if not command.amount:
        return None
    read = parse(command.amount, ctx.policy.unit)
    return None if isinstance(read, All) else read.amount


def lendable(ctx: RequestContext, command: Command) -> int | None:
    """None for `all`. A missing amount is refused."""
    if not command.amount:
        raise WrongUsage(command.intent)
    return amount_or_all(ctx, command)


def reason(_: RequestContext, command: Command) -> str:
    return command.reason


def until(_: RequestContext, command: Command) -> date | None:
    if not command.until:
        return None
    try:
        return date.fromisoformat(command.until)
    except ValueError:
        raise BadDate(command.until) from None


def code(_: RequestContext, command: Command) -> str:
    if not command.code:
        raise WrongUsage(command.intent)
    return command.code


def value(_: RequestContext, command: Command) -> str:
    return command.code


def language(_: RequestContext, command: Command) -> str:
    if command.code not in LANGUAGES:
        raise WrongUsage("lang")
    return command.code
