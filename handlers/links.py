"""Tell a member that a messenger account was linked to them by e-mail."""

from __future__ import annotations

from handlers.context import Context
from handlers.words import texts
from handlers.words.text import listed
from models.messages.message import Message
from models.messages.outbox import Mailing
from models.people.member import Member, addresses


def tell_of_link(ctx: Context, member: Member, address: str, mailing: Mailing | None = None) -> None:
    # At every address: an impostor who took over the e-mail does not read all of them.
    locale = ctx.reader_of(member).locale
    text = texts.LINKED(
        locale,
        messenger=address.partition(":")[0],
        email=member.email,
        admins=listed(ctx.policy.admins, locale),
    )
    for one in addresses(ctx.session, member.id):
        turn = mailing.turn(ctx.session, one.messenger) if mailing else None
        ctx.post(one.address, Message(text=text, locale=locale), reader=member.id, turn=turn)
