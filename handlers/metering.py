"""Asked by the gateway: spend that came in, limits that are live or are not, alerts to whom it concerns."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select, update

from handlers import cards, texts
from handlers.balance import balance
from handlers.context import Context, Reader, Voice
from handlers.requests import settle
from handlers.wording import Shown
from models.amount import share
from models.loan import loans_of
from models.member import Member
from models.message import Button, Message, escape
from models.outbox import Effect, promise
from models.period import Period, allowance_of
from models.request import Request
from models.usage import by_model
from models.wallet import Wallet, burnt, wallet_of


def live(voice: Voice, member_id: int) -> None:
    """The gateway has confirmed: grants that waited are applied, and their requesters hear that they can try again."""
    waiting = select(Request).where(
        Request.member_id == member_id, col(Request.state).in_(("approved", "apply_failed"))
    )
    for request in voice.session.exec(waiting).all():
        if not _turn(voice, request, "applied"):
            continue
        requester = voice.session.get_one(Member, member_id)
        reader = voice.reader_of(requester)
        text = texts.GRANT_LIVE(reader.locale, amount=reader.amount(request.granted))
        voice.tell(requester, Message(text=text))
        settle(voice, request)


def not_live(voice: Voice, member_id: int, why: str) -> None:
    """The gateway did not take it: visible to requester and admins, once; it is tried again."""
    for request in voice.session.exec(
        select(Request).where(Request.member_id == member_id, Request.state == "approved")
    ).all():
        if not _turn(voice, request, "apply_failed"):
            continue
        requester = voice.session.get_one(Member, member_id)
        for one in (requester, *cards.policy_admins(voice.session, voice.policy)):
            reader = voice.reader_of(one)
            facts = {"amount": reader.amount(request.granted), "code": Shown(request.code), "why": why[:200]}
            voice.tell(one, Message(text=texts.GRANT_FAILED(reader.locale, **facts)))
        settle(voice, request)


def _turn(voice: Voice, request: Request, state: str) -> bool:
    """One conditional update, so that two replicas tell once."""
    changed = voice.session.execute(
        update(Request)
        .where(
            col(Request.id) == request.id,
            col(Request.state).in_(("approved", "apply_failed")),
            col(Request.state) != state,
        )
        .values(state=state)
        .execution_options(synchronize_session=False)
    )
    voice.session.refresh(request)
    return bool(changed.rowcount)  # type: ignore[attr-defined]


# Alerts: 80, 95, 100 % of what there was, once a period; a surge at most once an hour


def alert(voice: Voice, member_id: int) -> None:
    """Tell somebody what burns, as soon as it is seen."""
    period = Period.latest(voice.session)
    member = voice.session.get_one(Member, member_id)
    if period is None or not member.active:
        return
    has, allowance = wallet_of(voice.session, member_id), allowance_of(voice.session, member_id, period.id)
    used = has.used - (allowance.used_before if allowance else 0)
    base = allowance.base if allowance else 0
    _surge(voice, member, base)
    there_was = used + has.available
    reached = [
        level for level in voice.policy.alerts.at if used > 0 and used >= share(max(there_was, 1), level)
    ]
    if reached and _first(voice, f"alert:{period.id}:{member_id}:{max(reached)}"):
        for lower in reached:
            _first(voice, f"alert:{period.id}:{member_id}:{lower}")
        voice.tell(member, _level(voice, member, has, int(max(reached) * 100), period))


def _level(voice: Voice, member: Member, has: Wallet, percent: int, period: Period) -> Message:
    reader = voice.reader_of(member)
    out = has.available <= 0
    lines = [
        texts.ALERT_OUT(reader.locale)
        if out
        else texts.ALERT_LEFT(reader.locale, percent=percent, left=reader.amount(has.available))
    ]
    if what := _what(voice, member, reader, period.starts_at):
        lines.append(texts.ALERT_WHAT(reader.locale, what=what))
    recallable = sum(
        sums.unspent for loan, sums in loans_of(voice.session, member.id) if loan.lender_id == member.id
    )
    if recallable:
        lines.append(texts.ALERT_RECALL(reader.locale, amount=reader.amount(recallable)))
    if voice.policy.free_models and percent >= 95:
        lines.append(texts.MEANWHILE_FREE(reader.locale, models=", ".join(voice.policy.free_models)))
    buttons = (
        Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request"),
        *((Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", typed=""),) if not out else ()),
    )
    return Message(text="\n".join(lines), buttons=buttons)


def _surge(voice: Voice, member: Member, base: int) -> None:
    surge = voice.policy.alerts.surge
    if surge is None or not base or member.paused_at is not None:
        return
    lately = burnt(voice.session, member.id, voice.now - surge.within, voice.now)
    if lately < share(base, surge.share) or not lately:
        return
    if not _first(voice, f"surge:{member.id}:{int(voice.now.timestamp() // 3600)}"):
        return
    reader = voice.reader_of(member)
    lines = [
        texts.SURGE(
            reader.locale, amount=reader.amount(lately), minutes=int(surge.within / timedelta(minutes=1))
        )
    ]
    if what := _what(voice, member, reader, voice.now - timedelta(days=1)):
        lines.append(texts.ALERT_WHAT(reader.locale, what=what))
    buttons = (
        Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue", typed=""),
        Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", style="danger", typed=""),
        Button(texts.ASK_BUTTON(reader.locale), "request.open", typed="request"),
    )
    voice.tell(member, Message(text="\n".join(lines), buttons=buttons))


def _what(voice: Voice, member: Member, reader: Reader, since: datetime) -> Shown:
    spent = by_model(voice.session, member.id, since.astimezone(voice.policy.zone).date())[:2]
    return Shown(", ".join(f"{escape(model)} {reader.amount(amount)}" for model, amount in spent))


def _first(voice: Voice, key: str) -> bool:
    return promise(voice.session, Effect(key=key, kind="mark", due_at=voice.now, done_at=voice.now))


def keep_going(ctx: Context) -> Message:
    """The person saw it and means it; a pause is lifted."""
    ctx.me.paused_at = None
    ctx.session.add(ctx.me)
    return Message(text=texts.CONTINUED(ctx.reader.locale))


def pause(ctx: Context) -> Message:
    """Stop one's own spending: the limit becomes what was spent, till one says to go on."""
    ctx.me.paused_at = ctx.now
    ctx.session.add(ctx.me)
    reader = ctx.reader
    button = Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue")
    return Message(text=texts.PAUSED(reader.locale), buttons=(button,), facts=balance(ctx).facts[:1])
