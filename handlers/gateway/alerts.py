"""Asked by the gateway: spend that came in, limits that are live or are not, alerts to whom it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import col, select, update

from handlers.approval import cards
from handlers.balance import balance
from handlers.context import Context, Reader, Voice
from handlers.requests import settle
from handlers.words import texts
from handlers.words.text import Shown, Text, listed
from models.ledger.amount import share
from models.messages.message import Button, Message, escape
from models.messages.outbox import Effect
from models.metering.gateway_account import look_again
from models.metering.gateway_state import GatewayState, free_models, rate_now
from models.metering.reading import Burn
from models.metering.usage import by_model
from models.people.member import Member
from models.quota.loan import unspent_lent
from models.quota.request import Request
from models.quota.status import Standing
from models.quota.wallet import burnt

NEARLY = Decimal("0.95")


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


def not_live(voice: Voice, member_id: int, reason: Text, **facts: str) -> None:
    """It does not stand there yet: visible to requester and admins, once; it is tried again."""
    for request in voice.session.exec(
        select(Request).where(Request.member_id == member_id, Request.state == "approved")
    ).all():
        if not _turn(voice, request, "apply_failed"):
            continue
        requester = voice.session.get_one(Member, member_id)
        for one in (requester, *cards.policy_admins(voice.session, voice.policy)):
            reader, text = (
                voice.reader_of(one),
                texts.GRANT_FAILED if one is requester else texts.GRANT_FAILED_OF,
            )
            who = {} if one is requester else {"who": requester.name}
            say, why = reader.locale, reason(reader.locale, **facts)
            granted = {"amount": reader.amount(request.granted), "code": Shown(request.code)}
            voice.tell(one, Message(text=text(say, why=why, **granted, **who)))
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


@dataclass(frozen=True)
class Alarm:
    """What somebody has to hear now: the highest level they reached anew (0.8, 0.95, 1), what they burnt in a surge."""

    stands: Standing
    levels: tuple[Decimal, ...] = ()
    surge: int = 0


def alerting(voice: Voice, member_id: int) -> bool:
    """Whether `alert` would tell this person something."""
    found = _alarm(voice, member_id)
    return found is not None and bool(found.levels or found.surge)


def alert(voice: Voice, member_id: int, burns: Sequence[Burn] = ()) -> None:
    """Tell somebody what burns, as soon as it is seen; `burns`: the last days by model and key, where the gateway said so."""
    found, member = _alarm(voice, member_id), voice.session.get_one(Member, member_id)
    if found is None:
        return
    if found.surge and voice.first_time(_surge_key(member_id, voice.now)):
        voice.tell(member, _surge(voice, member, found.surge, burns))
    for level in found.levels:
        voice.first_time(_level_key(found.stands, level))
    if found.levels:
        voice.tell(member, _level(voice, member, found, burns))


def _alarm(voice: Voice, member_id: int) -> Alarm | None:
    stands, member = Standing.of(voice.session, member_id), voice.session.get_one(Member, member_id)
    if not member.active:
        return None
    used, there_was = stands.used, max(stands.used + stands.has.available, 1)
    reached = [level for level in voice.policy.alerts.at if used > 0 and used >= share(there_was, level)]
    if reached and _known(voice, _level_key(stands, max(reached))):
        reached = []
    surge = _surging(voice, member, stands.base)
    return Alarm(stands, tuple(reached), surge)


def _surging(voice: Voice, member: Member, base: int) -> int:
    """What was burnt of late when that is a surge nobody was asked about in the last hour; else 0."""
    surge = voice.policy.alerts.surge
    if surge is None or not base or member.paused_at is not None:
        return 0
    lately = burnt(voice.session, member.id, voice.now - surge.within, voice.now)
    hour = timedelta(hours=1)
    asked = [_known(voice, _surge_key(member.id, at)) for at in (voice.now, voice.now - hour)]
    if lately < share(base, surge.share) or any(one and one.due_at > voice.now - hour for one in asked):
        return 0
    return lately


def _level(voice: Voice, member: Member, alarm: Alarm, burns: Sequence[Burn]) -> Message:
    reader, left, top = voice.reader_of(member), alarm.stands.has.available, max(alarm.levels)
    say, out = reader.locale, left <= 0
    used = texts.ALERT_LEFT(say, percent=int(top * 100), left=reader.amount(left))
    lines = [texts.ALERT_OUT(say) if out else used]
    if what := _what(voice, member, reader, alarm.stands.span.start, burns):
        lines.append((texts.ALERT_LATELY if burns else texts.ALERT_WHAT)(say, what=what))
    recallable = unspent_lent(voice.session, member.id)
    if recallable:
        lines.append(texts.ALERT_RECALL(say, amount=reader.amount(recallable)))
    free = free_models(voice.session, voice.policy)
    if free and top >= NEARLY:
        lines.append(texts.FREE_MODELS_STILL(say, models=listed(free, reader.locale)))
    ask, borrow = _more(reader)
    return Message(
        text="\n".join(lines), buttons=(ask, borrow) if out else (_go_on(reader), _stop(reader), ask, borrow)
    )


def _surge(voice: Voice, member: Member, lately: int, burns: Sequence[Burn]) -> Message:
    surge, reader = voice.policy.alerts.surge, voice.reader_of(member)
    # what is booked after an outage was spent since the reading before it
    read_at = GatewayState.of(voice.session).read_at or voice.now
    span = max(surge.within if surge else timedelta(), voice.now - read_at)
    minutes = int(span / timedelta(minutes=1))
    lines = [texts.SURGE(reader.locale, amount=reader.amount(lately), minutes=minutes)]
    if what := _what(voice, member, reader, voice.now - timedelta(days=1), burns):
        lines.append(texts.ALERT_LATELY(reader.locale, what=what))
    return Message(text="\n".join(lines), buttons=(_go_on(reader), _stop(reader), *_more(reader)))


def _go_on(reader: Reader) -> Button:
    return Button(texts.CONTINUE_BUTTON(reader.locale), "surge.continue", typed="continue")


def _stop(reader: Reader) -> Button:
    return Button(texts.PAUSE_BUTTON(reader.locale), "surge.pause", style="danger", typed="pause")


def _more(reader: Reader) -> tuple[Button, Button]:
    return (
        Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request"),
        Button(texts.BORROW_BUTTON(reader.locale), "borrow.open", typed="borrow"),
    )


def _what(voice: Voice, member: Member, reader: Reader, since: datetime, burns: Sequence[Burn]) -> Shown:
    """The two largest: by model and key where the gateway named keys, else by model."""
    rate, sums = rate_now(voice.session, voice.policy), Counter[str]()
    for one in burns:
        sums[f"{escape(one.model)} ({escape(one.key)})" if one.key else escape(one.model)] += rate.booked(
            one.amount
        )
    if not sums:
        day = since.astimezone(voice.policy.zone).date()
        sums.update({escape(model): amount for model, amount in by_model(voice.session, member.id, day)})
    most = (f"{what} {reader.amount(amount)}" for what, amount in sums.most_common(2))
    return Shown(listed(most, reader.locale))


def _level_key(stands: Standing, level: Decimal) -> str:
    return f"alert:{stands.period_id}:{stands.member_id}:{level}"


def _surge_key(member_id: int, at: datetime) -> str:
    return f"surge:{member_id}:{int(at.timestamp() // 3600)}"


def _known(voice: Voice, key: str) -> Effect | None:
    return voice.session.exec(select(Effect).where(Effect.key == key)).one_or_none()


def borrow_how(ctx: Context) -> Message:
    """How one asks a colleague."""
    return Message(text=texts.BORROW_HOW(ctx.reader.locale))


def keep_going(ctx: Context) -> Message:
    """The person saw it and means it; a pause is lifted."""
    ctx.me.paused_at = None
    ctx.session.add(ctx.me)
    look_again(ctx.session, ctx.me.id)
    return Message(text=texts.CONTINUED(ctx.reader.locale))


def pause(ctx: Context) -> Message:
    """Stop one's own spending: the limit becomes what was spent, till one says to go on."""
    ctx.me.paused_at = ctx.now
    ctx.session.add(ctx.me)
    look_again(ctx.session, ctx.me.id)
    reader = ctx.reader
    return Message(text=texts.PAUSED(reader.locale), buttons=(_go_on(reader),), facts=balance(ctx).facts[:1])
