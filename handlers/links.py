"""Tell a member that a messenger account was linked to them."""

from __future__ import annotations

from handlers.context import Context
from handlers.words import texts
from handlers.words.text import Text, listed
from models.messages.message import Message
from models.messages.outbox import Mailing
from models.people.member import Member, addresses


def tell_of_link(
    ctx: Context,
    member: Member,
    address: str,
    mailing: Mailing | None = None,
    *,
    old: str | None = None,
    words: Text = texts.LINKED,
) -> None:
    """`old`: the address that this one replaced. `words`: who says that it is theirs, an e-mail or a list."""
    # At every address: an impostor who took over the e-mail does not read all of them.
    locale = ctx.reader_of(member).locale
    messenger, _, number = address.partition(":")
    text = words(
        locale, messenger=messenger, id=number, email=member.email, admins=listed(ctx.policy.admins, locale)
    )
    known = [one.address for one in addresses(ctx.session, member.id)]
    for one in dict.fromkeys([*known, *([old] if old else [])]):
        turn = mailing.turn(ctx.session, one.partition(":")[0]) if mailing else None
        ctx.post(one, Message(text=text, locale=locale), reader=member.id, turn=turn)
