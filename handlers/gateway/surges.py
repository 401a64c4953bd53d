"""A surge: the member is asked at once, those whom the policy names hear of it, and an alarm that nobody answers goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from handlers.brake import (
    can_stop,
    continue_button,
    pause_button,
    pause_other_button,
    resume_other_button,
    tell_above,
)
from handlers.context import Context, Reader
from handlers.gateway.burners import most_used
from handlers.words import texts
from handlers.words.text import SafeText
from models.ledger.amount import share
from models.messages.message import Button, Message
from models.metering import brake
from models.metering.alarm import Alarm
from models.metering.gateway_state import GatewayState
from models.metering.reading import KeyUsage
from models.people.member import Member
from models.quota.status import QuotaStatus
from models.quota.wallet import burnt

HOUR = timedelta(hours=1)
ESCALATE = timedelta(minutes=15)
"""An alarm that goes on for so long without an answer reaches everybody above the member."""
BURNERS = 3
"""Keys or models that the others read of."""


@dataclass(frozen=True)
class Surge:
    """`amount` in stored units. `imported`: booked from a file, which does not say when it was spent. `reached`: what is left."""

    amount: int
    key_usage: Sequence[KeyUsage] = ()
    imported: bool = False
    reached: SafeText | None = None


def surging(ctx: Context, member: Member, status: QuotaStatus) -> int:
    """Recent spend if it is a surge that the member was not asked about in the last hour; else 0."""
    surge, least = ctx.policy.alerts.surge, _least(ctx, status)
    if surge is None or least is None or member.paused_at is not None:
        return 0
    lately = burnt(ctx.session, member.id, ctx.now - surge.within, ctx.now)
    last = Alarm.latest(ctx.session, member.id) if lately >= least else None
    return 0 if lately < least or (last is not None and last.at > ctx.now - HOUR) else lately


def _least(ctx: Context, status: QuotaStatus) -> int | None:
    """From how much on it is a surge: a share of the larger of the base and what there was, or an amount."""
    surge, whole = ctx.policy.alerts.surge, max(status.base, status.used + status.has.available)
    if surge is None:
        return None
    marks = [share(whole, surge.share)] if whole > 0 else []
    marks += [surge.amount] if surge.amount is not None else []
    return min(marks, default=None)


def begin(ctx: Context, member: Member, found: Surge) -> bool:
    """Ask the member, if the policy says so, and tell the others. False where another replica did."""
    if not ctx.first_time(f"surge:{member.id}:{int(ctx.now.timestamp() // HOUR.total_seconds())}"):
        return False
    policy = ctx.policy.alerts.surge
    assert policy is not None
    stops = can_stop(ctx, member)
    asked = bool(policy.tell) and stops
    pause_at = ctx.now + policy.then_pause_after if policy.then_pause_after and asked else None
    alarm = Alarm.begin(ctx.session, member.id, found.amount, ctx.now, pause_at)
    if asks(ctx):
        ctx.tell(member, _question(ctx, member, found, alarm, stops))
    tell_above(ctx, member, lambda reader: _of(ctx, reader, member, found, alarm, stops))
    return True


def asks(ctx: Context) -> bool:
    """Whether the member is asked about their own surge."""
    return ctx.policy.alerts.surge is not None and "person" in ctx.policy.alerts.surge.tell


def _minutes(ctx: Context, surge: Surge) -> int:
    """The minutes in which it was spent. What is booked after an outage was spent since the reading before it."""
    rule = ctx.policy.alerts.surge
    within = rule.within if rule else timedelta()
    read_at = None if surge.imported else GatewayState.last_read(ctx.session)
    return int(max(within, ctx.now - (read_at or ctx.now)) / timedelta(minutes=1))


def _question(ctx: Context, member: Member, surge: Surge, alarm: Alarm, stops: bool) -> Message:
    reader = ctx.reader_of(member)
    text = texts.SURGE_IMPORTED if surge.imported else texts.SURGE
    lines = [text(reader.locale, amount=reader.amount(surge.amount), minutes=_minutes(ctx, surge))]
    if surge.reached is not None:
        lines.append(surge.reached)
    if alarm.pause_at is not None:
        lines.append(texts.SURGE_PAUSES(reader.locale, time=reader.time(alarm.pause_at)))
    lines += _burners(ctx, reader, member, surge.key_usage, 2)
    own = (continue_button(reader), *((pause_button(reader),) if stops else ()))
    return Message(text="\n".join(lines), buttons=(*own, *ways_to_more(reader)))


def _of(ctx: Context, reader: Reader, member: Member, surge: Surge, alarm: Alarm, stops: bool) -> Message:
    text = texts.SURGE_OF_IMPORTED if surge.imported else texts.SURGE_OF
    lines = [
        text(
            reader.locale, who=member.name, amount=reader.amount(surge.amount), minutes=_minutes(ctx, surge)
        ),
        *_burners(ctx, reader, member, surge.key_usage, BURNERS),
    ]
    if asks(ctx):
        lines.append(texts.SURGE_ASKED(reader.locale))
    if alarm.pause_at is not None:
        lines.append(texts.SURGE_PAUSES_OF(reader.locale, time=reader.time(alarm.pause_at)))
    return _with_brake(reader, member, lines, stops)


def _with_brake(reader: Reader, member: Member, lines: list[SafeText], stops: bool) -> Message:
    """For those above: buttons where a gateway enforces limits, else what they can do."""
    if not stops:
        lines = [*lines, texts.SURGE_CANNOT_STOP(reader.locale)]
    buttons = (pause_other_button(reader, member), resume_other_button(reader, member)) if stops else ()
    return Message(text="\n".join(lines), buttons=buttons)


def _burners(
    ctx: Context, reader: Reader, member: Member, key_usage: Sequence[KeyUsage], most: int
) -> list[SafeText]:
    what = most_used(ctx, member, reader, ctx.now - timedelta(days=1), key_usage, most)
    return [texts.ALERT_LATELY(reader.locale, what=what)] if what else []


def ways_to_more(reader: Reader) -> tuple[Button, Button]:
    return (
        Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request"),
        Button(texts.BORROW_BUTTON(reader.locale), "borrow.open", typed="borrow"),
    )


# Asked by the clock


def unanswered(ctx: Context) -> bool:
    """Pause where nobody answered in time; tell everybody above where it goes on for long without an answer."""
    for alarm in Alarm.unanswered(ctx.session, ctx.now):
        member = ctx.session.get_one(Member, alarm.member_id)
        if not member.active or member.paused_at is not None:
            Alarm.answer(ctx.session, member.id, ctx.now)
        elif alarm.pause_at is not None and ctx.now >= alarm.pause_at and can_stop(ctx, member):
            _pause(ctx, member, alarm)
        elif alarm.escalated_at is None and _goes_on(ctx, member, alarm):
            _escalate(ctx, member, alarm)
    return False


def _pause(ctx: Context, member: Member, alarm: Alarm) -> None:
    since, more = alarm.at, _more(ctx, alarm)
    brake.pause(ctx.session, member, ctx.now, actor="policy", reason="nobody answered")
    reader = ctx.reader_of(member)
    ctx.tell(member, Message(text=texts.PAUSED_UNANSWERED(reader.locale), buttons=(continue_button(reader),)))

    def said(one: Reader) -> Message:
        facts = {"who": member.name, "amount": one.amount(more), "time": one.time(since)}
        text = texts.PAUSED_UNANSWERED_OF(one.locale, **facts)
        return Message(text=text, buttons=(resume_other_button(one, member),))

    tell_above(ctx, member, said, wide=True)


def _escalate(ctx: Context, member: Member, alarm: Alarm) -> None:
    alarm.escalate(ctx.now)
    more, stops = _more(ctx, alarm), can_stop(ctx, member)

    def said(one: Reader) -> Message:
        facts = {"who": member.name, "amount": one.amount(more), "time": one.time(alarm.at)}
        lines = [texts.SURGE_GOES_ON(one.locale, **facts), *_burners(ctx, one, member, (), BURNERS)]
        if stops and alarm.pause_at is not None:
            lines.append(texts.SURGE_PAUSES_OF(one.locale, time=one.time(alarm.pause_at)))
        return _with_brake(one, member, lines, stops)

    tell_above(ctx, member, said, wide=True)


def _goes_on(ctx: Context, member: Member, alarm: Alarm) -> bool:
    """Whether it is still spent at the pace of a surge."""
    surge, least = ctx.policy.alerts.surge, _least(ctx, QuotaStatus.of(ctx.session, member.id))
    passed = ctx.now - alarm.at
    if surge is None or least is None or passed < ESCALATE:
        return False
    # in whole seconds: a timedelta does not take so large a factor
    within, seconds = (int(one.total_seconds()) for one in (surge.within, min(passed, surge.within)))
    return _more(ctx, alarm) * within >= least * seconds


def _more(ctx: Context, alarm: Alarm) -> int:
    after = alarm.at + timedelta(microseconds=1)  # what raised the alarm was booked at its moment
    return burnt(ctx.session, alarm.member_id, after, ctx.now)
