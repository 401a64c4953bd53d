"""Others who hear of a surge: manager, team owner and admins, as `alerts.surge.tell` says."""

from __future__ import annotations

from datetime import timedelta

from handlers.admins import to_admins
from handlers.context import Context, Reader
from handlers.words import texts
from models.messages.message import Message
from models.metering.gateway_state import GatewayState
from models.people.member import Member


def tell(ctx: Context, member: Member, amount: int, asked: Message) -> None:
    """`asked`: the question to the member. Everybody else hears once, whatever their roles."""
    surge = ctx.policy.alerts.surge
    named = surge.tell if surge else ()
    if asks(ctx):
        ctx.tell(member, asked)

    def said(reader: Reader) -> Message:
        facts = {"who": member.name, "amount": reader.amount(amount), "minutes": minutes(ctx)}
        text = texts.SURGE_OF_ASKED if "person" in named else texts.SURGE_OF
        return Message(text=text(reader.locale, **facts))

    told = {member.id}
    for other in _above(ctx, member):
        if other.id not in told:
            told.add(other.id)
            ctx.tell(other, said(ctx.reader_of(other)))
    if "admins" in named:
        to_admins(ctx, said, but=told)


def asks(ctx: Context) -> bool:
    """Whether the member is asked about their own surge."""
    return ctx.policy.alerts.surge is not None and "person" in ctx.policy.alerts.surge.tell


def _above(ctx: Context, member: Member) -> list[Member]:
    surge, found = ctx.policy.alerts.surge, []
    named = surge.tell if surge else ()
    if "manager" in named and member.manager_id is not None:
        found.append(ctx.session.get_one(Member, member.manager_id))
    owner = next((team.owner for team in ctx.policy.teams if team.name == member.team), None)
    if "owner" in named and owner and (one := Member.by_email(ctx.session, owner)) is not None:
        found.append(one)
    return found


def minutes(ctx: Context) -> int:
    """The minutes in which it was spent. What is booked after an outage was spent since the reading before it."""
    surge = ctx.policy.alerts.surge
    read_at = GatewayState.of(ctx.session).read_at or ctx.now
    return int(max(surge.within if surge else timedelta(), ctx.now - read_at) / timedelta(minutes=1))
