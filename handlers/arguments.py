"""A word → Member, amount, day, CODE; or a refusal that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from handlers.context import RequestContext
from models.ledger.amount import All, parse
from models.people.member import HERE, Member, addresses, require_colleague
from models.people.profile import STATUS_KEPT
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


@dataclass(frozen=True)
class Said:
    """A request as understood, before anything is looked up. `amount` is what was typed, `handle` a messenger's id.

    `several`: more than one person was named where one is meant.
    """

    intent: str
    exact: bool = True
    handle: str | None = None
    member: int | None = None
    name: str | None = None
    amount: str | None = None
    reason: str = ""
    until: str | None = None
    code: str = ""
    locale: str = ""
    several: bool = False
    thread: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


ArgumentReader = Callable[[RequestContext, Said], Any]


@dataclass(eq=False)
class ProfileNeeded(StatusUnknown):
    """The status of somebody at these addresses is needed and nobody has read it yet: read it and come again."""

    addresses: tuple[str, ...]


def person(ctx: RequestContext, said: Said) -> Member:
    """The colleague that is meant; refused when the messenger calls them a guest, a bot or an outsider."""
    found = maybe_person(ctx, said)
    if found is None:
        raise WrongUsage(said.intent)
    return found


def maybe_person(ctx: RequestContext, said: Said) -> Member | None:
    if said.member is not None:
        return _here(ctx, ctx.session.get_one(Member, said.member))
    if said.handle:
        try:
            return _here(ctx, Member.at(ctx.session, f"{ctx.messenger}:{said.handle}"))
        except UnknownSender:
            raise UnknownMention from None
    return _here(ctx, Member.named(ctx.session, said.name)) if said.name else None


def _here(ctx: RequestContext, member: Member) -> Member:
    require_colleague(member)
    require_here(ctx, member)
    return member


def require_here(ctx: RequestContext, member: Member) -> None:
    """Raise unless a messenger lately called this one a member: guests, bots and outsiders take no part. Fails closed."""
    if not ctx.checks:
        return
    known = addresses(ctx.session, member.id)
    for address in known:
        status = ctx.statuses.get(address.address)
        if status is None and address.status_at and ctx.now - address.status_at < STATUS_KEPT:
            status = address.status
        if status == HERE:
            return
        if status is not None:
            raise OnlyColleagues if member.id == ctx.me.id else NotAColleague(member.name)
    raise ProfileNeeded(tuple(one.address for one in known))


def amount(ctx: RequestContext, said: Said) -> int:
    """An exact amount in stored units."""
    found = amount_or_all(ctx, said)
    if found is None:
        raise AllNotAllowed if said.amount else WrongUsage(said.intent)
    return found


def maybe_amount(ctx: RequestContext, said: Said) -> int | None:
    """An exact amount, or None when none was given; `all` is refused."""
    return amount(ctx, said) if said.amount else None


def amount_or_all(ctx: RequestContext, said: Said) -> int | None:
    """An exact amount; None for `all`, or when nothing was given."""
    if not said.amount:
        return None
    read = parse(said.amount, ctx.policy.unit)
    return None if isinstance(read, All) else read.amount


def lendable(ctx: RequestContext, said: Said) -> int | None:
    """Like `amount_or_all`, but something has to be said."""
    if not said.amount:
        raise WrongUsage(said.intent)
    return amount_or_all(ctx, said)


def reason(_: RequestContext, said: Said) -> str:
    return said.reason


def until(_: RequestContext, said: Said) -> date | None:
    if not said.until:
        return None
    try:
        return date.fromisoformat(said.until)
    except ValueError:
        raise BadDate(said.until) from None


def code(_: RequestContext, said: Said) -> str:
    if not said.code:
        raise WrongUsage(said.intent)
    return said.code


def value(_: RequestContext, said: Said) -> str:
    return said.code


def locale(_: RequestContext, said: Said) -> str:
    if said.locale not in ("en", "zh"):
        raise WrongUsage("lang")
    return said.locale
