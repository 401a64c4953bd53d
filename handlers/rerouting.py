"""Reroute an open request whose approvers change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import col, select

from handlers.admins import policy_admins
from handlers.context import Context
from handlers.requests import bring_up_to_date, lasting, settle, tell_asked
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.messages.message import Message
from models.messages.outbox import Effect, unreached
from models.people.member import Member
from models.quota import approvers
from models.quota.approvers import Asked
from models.quota.period import Period, PeriodState
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.track_record import borrowed_since_asking


def absent(
    ctx: Context, request: Request, asked: Sequence[Asked], today: Mapping[int, Asked]
) -> list[tuple[Member, Text]]:
    """Approvers who cannot decide any more, or cannot be reached, each once; and the words for the requester."""
    unheard, found = unreached(ctx.session, request.about), []
    for one in asked:
        if one.member_id != one.for_id:
            continue
        # A delegate who was reached stands in for an approver who was not.
        in_place = [each.member_id for each in today.values() if each.for_id == one.member_id]
        if one.member_id in today and (one.member_id not in unheard or set(in_place) - unheard):
            continue
        if ctx.first_time(f"{request.about}:absent:{one.member_id}"):
            member = ctx.session.get_one(Member, one.member_id)
            found.append((member, _why(ctx, request, one, heard=one.member_id not in today)))
    return found


def _why(ctx: Context, request: Request, asked: Asked, *, heard: bool) -> Text:
    if not heard:
        return texts.APPROVER_UNREACHED
    requester = ctx.session.get_one(Member, request.member_id)
    member = ctx.session.get_one(Member, asked.member_id)
    changed = asked.why == "manager" and requester.manager_id != asked.member_id
    return texts.MANAGER_CHANGED if changed and member.active else texts.APPROVER_GONE


def replace(ctx: Context, request: Request, gone: Sequence[tuple[Member, Text]]) -> None:
    """Ask the next approver for each absent one. The request is unroutable when nobody is left."""
    for member, why in gone:
        found = request.ask_next(ctx.session, ctx.policy, ctx.now)
        if found is not None:
            tell_asked(ctx, request)
            _tell_requester(ctx, request, why, found.member, before=member.name)
        if why is texts.APPROVER_UNREACHED:
            _tell_admins(ctx, request, member, found.member if found else None)
    if request.state == RequestState.UNROUTABLE:
        _route_again(ctx, request)
    elif not _anybody(ctx, request):
        request.mark_unroutable(ctx.session)
        _tell_nobody_left(ctx, request)


def _route_again(ctx: Context, request: Request) -> None:
    # A former approver may decide again, or there is a new one to ask.
    if _anybody(ctx, request):
        request.mark_pending(ctx.session)
        bring_up_to_date(ctx, request)
    elif (found := request.ask_next(ctx.session, ctx.policy, ctx.now)) is not None:
        tell_asked(ctx, request)
        settle(ctx, request)
        _tell_requester(ctx, request, texts.APPROVER_FOUND, found.member)


def _anybody(ctx: Context, request: Request) -> bool:
    """Whether an approver with authority can be reached."""
    today = approvers.entries_today(ctx.session, ctx.policy, request.id, request.member_id, ctx.now)
    return bool(set(today) - unreached(ctx.session, request.about))


def escalate(ctx: Context, request: Request) -> None:
    """Ask the next approver as well; the earlier ones can still decide."""
    found = request.ask_next(ctx.session, ctx.policy, ctx.now)
    if found is None:
        return
    tell_asked(ctx, request)
    settle(ctx, request)
    _tell_requester(ctx, request, texts.ESCALATED, found.member)


def refresh(ctx: Context, request: Request) -> None:
    """Draw the cards anew where authority, ceilings or figures have changed."""
    if not request.open:
        return
    today = approvers.entries_today(ctx.session, ctx.policy, request.id, request.member_id, ctx.now)
    reasons = (_period_closed(ctx, request), _policy_changed(ctx, request), _borrowed_since(ctx, request))
    if any(reasons) or _wrong_hands(ctx, request, today):
        bring_up_to_date(ctx, request)


def _wrong_hands(ctx: Context, request: Request, today: Mapping[int, Asked]) -> bool:
    """Whether a member without authority has buttons, or one with authority has none."""
    shown = select(Effect.payload).where(
        Effect.about == request.about, Effect.kind == "say", col(Effect.parked_at).is_(None)
    )
    return any(
        bool(one["message"]["buttons"]) != (one["reader"] in today)
        for one in ctx.session.exec(shown).all()
        if one["reader"] and one.get("shape") == "full"
    )


def _policy_changed(ctx: Context, request: Request) -> bool:
    return ctx.version != request.policy and ctx.first_time(f"{request.about}:policy:{ctx.version}")


def _borrowed_since(ctx: Context, request: Request) -> bool:
    # Once for each sum.
    period = Period.latest(ctx.session)
    borrowed = borrowed_since_asking(ctx.session, request, period) if period else 0
    return bool(borrowed) and ctx.first_time(f"{request.about}:borrowed:{borrowed}")


def _period_closed(ctx: Context, request: Request) -> bool:
    # Once for each period: the amount of *Approve less* is computed anew.
    period = Period.latest(ctx.session)
    if period is None or period.state != PeriodState.OPEN or request.asked_at >= period.starts_at:
        return False
    if not ctx.first_time(f"{request.about}:period:{period.id}"):
        return False
    request.lasts_with(ctx.session, lasting(ctx, request.member_id))
    return True


def _tell_requester(ctx: Context, request: Request, text: Text, approver: Member, **facts: str) -> None:
    requester = ctx.session.get_one(Member, request.member_id)
    say = ctx.reader_of(requester).locale
    facts |= {"approver": approver.name}
    ctx.tell(requester, Message(text=text(say, code=SafeText(request.code), **facts)))


def _tell_admins(ctx: Context, request: Request, member: Member, instead: Member | None) -> None:
    requester = ctx.session.get_one(Member, request.member_id)
    for admin in policy_admins(ctx.session, ctx.policy):
        say = ctx.reader_of(admin).locale
        facts = {"name": member.name, "who": requester.name, "code": SafeText(request.code)}
        if instead is None:
            text = texts.UNREACHED_ADMIN_NOBODY(say, **facts)
        else:
            text = texts.UNREACHED_ADMIN(say, approver=instead.name, **facts)
        ctx.tell(admin, Message(text=text))


def _tell_nobody_left(ctx: Context, request: Request) -> None:
    requester = ctx.session.get_one(Member, request.member_id)
    reader = ctx.reader_of(requester)
    facts = {"amount": reader.amount(request.amount), "code": SafeText(request.code)}
    ctx.tell(requester, Message(text=texts.REQUEST_UNROUTABLE(reader.locale, **facts)))
    tell_asked(ctx, request)
