"""Give own quota to the team, for good; and use it or lend it, before it expires."""

from __future__ import annotations

from handlers.context import Context, RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, one_line
from models.messages.message import Button, Message
from models.metering.unused import Unused, unused
from models.people.member import Member
from models.quota.gift import Gift, give, may_give
from models.quota.period import Period
from models.quota.pool import pool_for
from models.refusal import WrongUsage


def give_to_team(ctx: RequestContext, amount: int | None) -> Message:
    """The owner of the pool hears who gave it."""
    gift = give(ctx.session, ctx.me, amount, ctx.policy, ctx.cause())
    reader = ctx.reader
    facts = {"amount": reader.amount(gift.amount), "left": reader.left(gift.left)}
    if gift.team is None:
        return Message(text=texts.GAVE_BACK_QUOTA(reader.locale, **facts))
    _tell_owner(ctx, gift, gift.team)
    return Message(text=texts.GAVE_TO_TEAM(reader.locale, team=gift.team, **facts))


def give_what_expires(ctx: RequestContext, _: str = "") -> Message:
    return give_to_team(ctx, what_expires(ctx))


def what_expires(ctx: RequestContext) -> int:
    """Raises `WrongUsage` where nothing of the sender's will: the button is old."""
    amount = unused(ctx.session, ctx.me.id, ctx.policy, ctx.now).expires
    if not amount:
        raise WrongUsage("give")
    return amount


def said_back(ctx: RequestContext, amount: int | None) -> tuple[SafeText, int]:
    """The gift in words, and its amount. Raises `InsufficientQuota`."""
    gift, reader = may_give(ctx.session, ctx.me, amount, ctx.policy), ctx.reader
    shown = reader.amount(gift.amount)
    if gift.team is None:
        return texts.CONFIRM_GIVE_BACK(reader.locale, amount=shown), gift.amount
    return texts.CONFIRM_GIVE(reader.locale, amount=shown, team=gift.team), gift.amount


def _tell_owner(ctx: RequestContext, gift: Gift, name: str) -> None:
    team = ctx.policy.team(name)
    owner = Member.by_email(ctx.session, team.owner) if team and team.owner else None
    if owner is None or owner.id == ctx.me.id:
        return
    reader = ctx.reader_of(owner)
    facts = {"amount": reader.amount(gift.amount), "pool": reader.amount(gift.pool)}
    ctx.tell(owner, Message(text=texts.GAVE_YOUR_TEAM(reader.locale, name=ctx.me.name, team=name, **facts)))


def expiry_message(ctx: Context, member: Member, period: Period, what: Unused) -> Message:
    reader, say = ctx.reader_of(member), ctx.reader_of(member).locale
    pool, lends = pool_for(ctx.session, member, ctx.policy, period.id), ctx.policy.lending.enabled
    kept = (
        texts.UNUSED_KEPT(say, kept=reader.amount(what.kept)) if what.kept else texts.UNUSED_NOTHING_KEPT(say)
    )
    text = texts.UNUSED(say, amount=reader.amount(what.expires), day=reader.last_day(period.ends_at))
    lend = Button(texts.LEND_BUTTON(say), "lend.open", typed="lend")
    give_it = Button(texts.GIVE_BUTTON(say), "give.team", typed=texts.GIVE_ALL_WORD(say))
    needs = Button(texts.WHO_NEEDS_BUTTON(say), "needs.open", typed=texts.WHO_NEEDS_WORD(say))
    buttons = ((needs, lend) if lends else ()) + ((give_it,) if pool else ())
    return Message(text=one_line([text, kept], say), buttons=buttons)
