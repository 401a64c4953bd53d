"""`pause` and `resume`: members stop their own spending; those above them also stop others'."""

from __future__ import annotations

from collections.abc import Callable

from handlers.admins import to_admins
from handlers.arguments import require_here
from handlers.balance import balance
from handlers.context import Context, Reader, RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, one_line
from models.messages.message import Button, Message
from models.metering import brake
from models.metering.alarm import Alarm
from models.people.member import Member
from models.quota.wallet import wallet_of
from models.refusal import NotYoursToPause, WrongUsage


def pause(ctx: RequestContext, whom: Member | None = None, reason: str = "") -> Message:
    if whom is not None and whom.id != ctx.me.id:
        return _pause_other(ctx, whom, reason)
    reader = ctx.reader
    if ctx.me.pause_stands:
        return _still_paused(ctx)
    if not can_stop(ctx, ctx.me):
        return Message(text=texts.PAUSE_CANNOT(reader.locale))
    tell_of_answer(ctx, ctx.me, lambda one: texts.PAUSED_OTHER(one.locale, who=ctx.me.name))
    brake.pause(ctx.session, ctx.me, ctx.now, actor=ctx.actor)
    return Message(
        text=texts.PAUSED(reader.locale), buttons=(continue_button(reader),), facts=balance(ctx).facts[:1]
    )


def resume(ctx: RequestContext, whom: Member | None = None) -> Message:
    """Also the answer to an alarm: the spend is meant."""
    if whom is not None and whom.id != ctx.me.id:
        return _resume_other(ctx, whom)
    if ctx.me.pause_stands:
        return _still_paused(ctx)
    tell_of_answer(ctx, ctx.me, lambda one: texts.SURGE_MEANT(one.locale, who=ctx.me.name))
    brake.resume(ctx.session, ctx.me, ctx.now, actor=ctx.actor)
    return Message(text=texts.CONTINUED(ctx.reader.locale))


def pause_pressed(ctx: RequestContext, value: str) -> Message:
    return pause(ctx, _pressed_for(ctx, value))


def resume_pressed(ctx: RequestContext, value: str) -> Message:
    return resume(ctx, _pressed_for(ctx, value))


def _pressed_for(ctx: RequestContext, value: str) -> Member | None:
    """The member whose button it is; None for one's own."""
    if not value:
        return None
    found = ctx.session.get(Member, int(value)) if value.isascii() and value.isdigit() else None
    if found is None or not found.active:
        raise WrongUsage("pause")
    return found


def _pause_other(ctx: RequestContext, whom: Member, reason: str) -> Message:
    _require_above(ctx, whom)
    reader = ctx.reader
    if not can_stop(ctx, whom):
        return Message(text=texts.PAUSE_CANNOT_OTHER(reader.locale, who=whom.name))
    told = stop(ctx, whom, reason, ctx.me)
    known = texts.THEY_KNOW if told else texts.NOBODY_REACHES
    said = texts.PAUSED_OTHER(reader.locale, who=whom.name), known(reader.locale)
    return Message(text=one_line(said, reader.locale), buttons=(resume_other_button(reader, whom),))


def _resume_other(ctx: RequestContext, whom: Member) -> Message:
    _require_above(ctx, whom)
    reader, was_paused = ctx.reader, whom.paused_at is not None
    told = let_go_on(ctx, whom, ctx.me)
    text = texts.RESUMED_OTHER if was_paused else texts.ALLOWED_OTHER
    known = texts.THEY_KNOW_OF_IT if told else texts.NOBODY_REACHES
    return Message(text=one_line((text(reader.locale, who=whom.name), known(reader.locale)), reader.locale))


def _require_above(ctx: RequestContext, whom: Member) -> None:
    ctx.colleagues_only = ctx.has_profiles
    require_here(ctx, ctx.me)
    if ctx.me.id not in {one.id for one in brake.above(ctx.session, ctx.policy, whom)}:
        raise NotYoursToPause(whom.name)


def can_stop(ctx: Context, member: Member) -> bool:
    """Whether "paused" would be true: a gateway enforces the limit of every account."""
    return ctx.live and brake.can_stop(ctx.session, member, ctx.policy.unit)


def stop(ctx: Context, whom: Member, reason: str, by: Member | None) -> bool:
    """Pause a colleague till somebody above lets them go on; whether a message reaches them. `by`: None for an operator."""
    tell_of_answer(
        ctx, whom, lambda one: texts.PAUSED_OF(one.locale, by=_name(by, one), who=whom.name), but=by
    )
    brake.pause(ctx.session, whom, ctx.now, actor=ctx.actor, stands=True, by=by, reason=reason)
    reader = ctx.reader_of(whom)
    lines = [texts.PAUSED_BY(reader.locale, by=_name(by, reader))]
    if reason:
        lines.append(texts.PAUSED_WHY(reader.locale, reason=reason))
    return ctx.tell(whom, Message(text="\n".join([*lines, _turn_to(reader, whom, by)])))


def let_go_on(ctx: Context, whom: Member, by: Member | None) -> bool:
    """End a colleague's pause, or answer the alarm in their place; whether a message reaches them."""
    tell_of_answer(
        ctx, whom, lambda one: texts.RESUMED_OF(one.locale, by=_name(by, one), who=whom.name), but=by
    )
    text = texts.ALLOWED_BY
    if brake.resume(ctx.session, whom, ctx.now, actor=ctx.actor):
        left = wallet_of(ctx.session, whom.id).available
        text = texts.RESUMED_BY if left > 0 else texts.RESUMED_USED_UP
    reader = ctx.reader_of(whom)
    return ctx.tell(whom, Message(text=text(reader.locale, by=_name(by, reader))))


def _still_paused(ctx: RequestContext) -> Message:
    by = ctx.session.get(Member, ctx.me.paused_by_id) if ctx.me.paused_by_id else None
    reader = ctx.reader
    said = texts.STILL_PAUSED(reader.locale, by=_name(by, reader)), _turn_to(reader, ctx.me, by)
    return Message(text=one_line(said, reader.locale))


def _turn_to(reader: Reader, whom: Member, by: Member | None) -> SafeText:
    if by is None:
        return texts.PAUSED_ASK_ADMIN(reader.locale, word=whom.word)
    return texts.PAUSED_TURN_TO(reader.locale, by=by.name, word=whom.word)


def _name(by: Member | None, reader: Reader) -> str:
    return by.name if by is not None else texts.AN_ADMIN(reader.locale)


def tell_of_answer(
    ctx: Context, member: Member, said: Callable[[Reader], SafeText], *, but: Member | None = None
) -> None:
    """Whoever heard of an alarm that waits for an answer hears the answer. Called before it is taken."""
    alarm = Alarm.open_of(ctx.session, member.id)
    if alarm is not None:
        others = {but.id} if but is not None else set()
        tell_above(
            ctx,
            member,
            lambda one: Message(text=said(one)),
            wide=alarm.escalated_at is not None,
            but=others,
        )


def tell_above(
    ctx: Context,
    member: Member,
    said: Callable[[Reader], Message],
    *,
    wide: bool = False,
    but: set[int] | None = None,
) -> None:
    """Tell whom `alerts.surge.tell` names, each once; `wide`: everybody who may pause the member, and the admin channel."""
    surge = ctx.policy.alerts.surge
    named = surge.tell if surge else ()
    told = {member.id} | (but or set())
    found = brake.above(ctx.session, ctx.policy, member) if wide else _named(ctx, member, named)
    for other in found:
        if other.id not in told:
            told.add(other.id)
            ctx.tell(other, said(ctx.reader_of(other)))
    if wide or "admins" in named:
        to_admins(ctx, said, but=told)


def _named(ctx: Context, member: Member, named: tuple[str, ...]) -> list[Member]:
    found = []
    if "manager" in named:
        found += [one for one in brake.managers(ctx.session, member) if one.active][:1]
    if "owner" in named:
        found += [one for one in brake.owners(ctx.session, ctx.policy, member) if one.active][:1]
    return found


def continue_button(reader: Reader) -> Button:
    return Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue", typed="continue")


def pause_button(reader: Reader) -> Button:
    return Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", style="danger", typed="pause")


def resume_other_button(reader: Reader, whom: Member) -> Button:
    label = texts.RESUME_OTHER_BUTTON(reader.locale, who=whom.name)
    return Button(label, "surge.continue", str(whom.id), typed=f"resume {whom.word}")


def pause_other_button(reader: Reader, whom: Member) -> Button:
    label = texts.PAUSE_OTHER_BUTTON(reader.locale, who=whom.name)
    return Button(label, "surge.pause", str(whom.id), style="danger", typed=f"pause {whom.word}")
