"""Announce a change of quota to a member: what changes, from when, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from sqlmodel import Session

from handlers.context import Context
from handlers.quota_lines import models_named
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import Message
from models.messages.outbox import Mailing
from models.metering.gateway_state import free_models
from models.people.member import Member
from models.quota.grant import ending
from models.quota.period import Period
from models.quota.policy_notice import announced, called_off
from models.quota.wallet import wallet_of


def announce(ctx: Context, member: Member, before: int, *, starts: date | None, mailing: Mailing) -> bool:
    """Promise to tell a member that their base changes, on a day or now. False when they cannot be reached."""
    reader, due = ctx.reader_of(member), ctx.policy.base_for(member.columns())
    day = reader.calendar_day(starts) if starts else reader.day(ctx.now)
    facts = {"before": reader.amount(before), "after": reader.amount(due.amount)}
    said = [texts.QUOTA_CHANGES(reader.locale, day=day, **facts)]
    if before == due.amount:  # the models change, not the amount
        words = texts.QUOTA_FOR_OTHER_MODELS if due.models else texts.QUOTA_FOR_EVERY_MODEL
        said = [words(reader.locale, day=day, amount=reader.amount(due.amount))]
    if due.amount and due.models:
        said.append(texts.FOR_MODELS_ONLY(reader.locale, models=models_named(reader, due.models)))
    if due.reason:
        said.append(texts.BECAUSE(reader.locale, reason=due.reason))
    if not due.amount and (free := free_models(ctx.session, ctx.policy)):
        said.append(texts.FREE_MODELS_STILL(reader.locale, models=listed(free, reader.locale)))
    said.append((texts.IF_SHORT if due.amount < before else texts.WELCOME_MORE)(reader.locale))
    text = SafeText("\n".join(said))
    return ctx.tell(member, Message(text=text), about=announced(ctx.version), mailing=mailing)


def greet_all(session: Session, members: Iterable[Member], now: datetime, mailing: Mailing) -> Iterator[bool]:
    """Promise to tell each member what they have and how to ask for more."""
    period = Period.latest(session)
    for member in members:
        ctx = Context.of(session, now, f"welcome:{member.id}")
        if ctx is not None and period is not None:
            yield _welcome(ctx, member, period, mailing)


def _welcome(ctx: Context, member: Member, period: Period, mailing: Mailing) -> bool:
    # Without quota and free models there is nothing to say.
    reader, left = ctx.reader_of(member), wallet_of(ctx.session, member.id).available
    free = free_models(ctx.session, ctx.policy)
    if left <= 0 and not free:
        return False
    models = listed(free, reader.locale)
    said = [texts.WELCOME_FREE(reader.locale, models=models)]
    if left > 0:
        day = reader.last_day(period.ends_at)
        said = [
            texts.WELCOME(reader.locale, left=reader.amount(left), day=day),
            texts.IF_SHORT(reader.locale),
        ]
        if only := ctx.policy.base_for(member.columns()).models:
            said.insert(1, texts.FOR_MODELS_ONLY(reader.locale, models=models_named(reader, only)))
        said += [texts.WELCOME_FREE_TOO(reader.locale, models=models)] if free else []
    said.append(texts.WELCOME_MORE(reader.locale))
    return ctx.tell(member, Message(text=SafeText("\n".join(said))), mailing=mailing)


def call_off(ctx: Context, member: Member, *, starts: date, mailing: Mailing) -> bool:
    """Promise to tell a member that an announced change is cancelled. False when they cannot be reached."""
    reader, stays = ctx.reader_of(member), ctx.policy.base_for(member.columns()).amount
    text = texts.CHANGE_CALLED_OFF(
        reader.locale, day=reader.calendar_day(starts), amount=reader.amount(stays)
    )
    return ctx.tell(member, Message(text=text), about=called_off(ctx.version), mailing=mailing)


def given(
    ctx: Context, member: Member, amount: int, *, until: date | None, reason: str, mailing: Mailing
) -> bool:
    """Promise to tell a member what an operator gave or, below zero, took. False when they cannot be reached."""
    reader, left = ctx.reader_of(member), wallet_of(ctx.session, member.id).available
    facts = {"amount": reader.amount(abs(amount)), "left": reader.left(left)}
    if amount > 0:
        ends = ending(Period.current(ctx.session), until, ctx.policy)
        said = texts.GIVEN_BY_ADMIN(reader.locale, day=reader.last_day(ends), **facts)
    else:
        said = texts.TAKEN_BY_ADMIN(reader.locale, **facts)
    text = SafeText(f"{said}\n{texts.BECAUSE(reader.locale, reason=reason)}")
    return ctx.tell(member, Message(text=text), mailing=mailing)


def voided(ctx: Context, member: Member, amount: int, reason: str) -> bool:
    """Promise to tell a member that usage was taken back; False when they cannot be reached."""
    reader, left = ctx.reader_of(member), wallet_of(ctx.session, member.id).available
    said = texts.USAGE_VOIDED(reader.locale, amount=reader.amount(amount), left=reader.left(left))
    return ctx.tell(member, Message(text=SafeText(f"{said}\n{texts.BECAUSE(reader.locale, reason=reason)}")))
