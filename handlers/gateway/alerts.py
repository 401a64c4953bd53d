"""For the gateway loop: tell members that a grant is live or is not, and that quota is running out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

from sqlmodel import select

from handlers.admins import to_admins
from handlers.brake import can_stop, continue_button, pause_button
from handlers.context import Context, Reader
from handlers.gateway import surges
from handlers.gateway.burners import most_used
from handlers.gateway.surges import Surge
from handlers.quota_lines import going_on, missing, models_named, near_day
from handlers.requests import settle
from handlers.words import texts
from handlers.words.text import SafeText, Text, listed, one_line
from models.ledger.amount import Unit, share
from models.messages.message import Button, Message
from models.messages.outbox import Effect
from models.metering.alarm import Alarm
from models.metering.gateway_state import free_models, rate_now
from models.metering.ladder import FallbackView, fallback_of
from models.metering.limits import live_at
from models.metering.outlook import Outlook, early_end, needed
from models.metering.reading import KeyUsage
from models.people.member import Member
from models.quota.borrowing import unspent_lent
from models.quota.request import Request, unconfirmed
from models.quota.status import QuotaStatus
from models.quota.wallet import wallet_of

NEARLY = Decimal("0.95")


def live(ctx: Context, member_id: int, *, back: bool = False) -> None:
    """The gateway has confirmed the limit: waiting grants are applied, and their requesters are told.

    `back`: they were on the fallback's models until now.
    """
    for request in unconfirmed(ctx.session, member_id):
        if not request.confirm_applied(ctx.session):
            continue
        requester = ctx.session.get_one(Member, member_id)
        reader = ctx.reader_of(requester)
        ctx.tell(requester, _live(ctx, requester, reader.amount(request.granted), back))
        settle(ctx, request)


def _live(ctx: Context, requester: Member, amount: SafeText, back: bool) -> Message:
    # `Try again` only when a call would pass now.
    reader, left = ctx.reader_of(requester), wallet_of(ctx.session, requester.id).available
    if requester.paused_at is not None:
        text = texts.GRANT_LIVE_PAUSED(reader.locale, amount=amount)
        return Message(text=text, buttons=(continue_button(reader),))
    if left > 0:
        here, there = live_at(ctx.session, requester.id, rate_now(ctx.session, ctx.policy))
        if here and there:
            facts = {"here": listed(here, reader.locale), "there": listed(there, reader.locale)}
            return Message(text=texts.GRANT_LIVE_AT(reader.locale, amount=amount, **facts))
        said_ = texts.GRANT_LIVE_BACK if back else texts.GRANT_LIVE
        return Message(text=said_(reader.locale, amount=amount))
    below = fallback_of(ctx.session, requester, ctx.policy)
    said = [texts.GRANT_LIVE_USED_UP(reader.locale, amount=amount)]
    if below is not None and below.goes_on:
        said = [texts.GRANT_FILLS(reader.locale, amount=amount), going_on(reader, below)]
    elif left < 0:
        said.append(missing(ctx, reader, -left))
    return Message(text=one_line(said, reader.locale), buttons=surges.ways_to_more(reader))


def not_live(ctx: Context, member_id: int, reason: Text, **facts: str) -> None:
    """The limit could not be written yet: requester and admins are told once, with what happens next."""
    requester = ctx.session.get_one(Member, member_id)
    for request in unconfirmed(ctx.session, member_id):
        if not request.mark_failed(ctx.session):
            continue
        said = partial(_not_live_words, requester=requester, request=request, reason=reason, facts=facts)
        ctx.tell(requester, said(ctx.reader_of(requester), to_admin=False))
        to_admins(ctx, said, but=requester.id)
        settle(ctx, request)


def _not_live_words(
    reader: Reader,
    *,
    requester: Member,
    request: Request,
    reason: Text,
    facts: dict[str, str],
    to_admin: bool = True,
) -> Message:
    text = texts.GRANT_FAILED_OF if to_admin else texts.GRANT_FAILED
    said = {
        "amount": reader.amount(request.granted),
        "code": SafeText(request.code),
        "why": reason(reader.locale, **facts),
        "next": _what_next(reason, requester, reader.locale, to_admin=to_admin),
    }
    return Message(text=text(reader.locale, **said, **({"who": requester.name} if to_admin else {})))


_PERSON_ACTS = {
    texts.NO_ACCOUNT: (texts.ADMIN_HAS_TO_LINK, texts.PLEASE_LINK),
    texts.CHANGED_BY_HAND: (texts.ADMIN_HAS_TO_CHOOSE, texts.PLEASE_CHOOSE),
}
"""What the requester and the admins read where retrying alone changes nothing."""


def _what_next(reason: Text, requester: Member, say: str, *, to_admin: bool) -> SafeText:
    text = _PERSON_ACTS.get(reason, (texts.BEING_RETRIED, texts.BEING_RETRIED))[to_admin]
    return text(say, **({"email": requester.email} if text is texts.PLEASE_CHOOSE else {}))


def held_back(ctx: Context, member_id: int, other_id: int, amount: int) -> None:
    """A member's limit waits for a colleague's: both are told why, once a day."""
    if not ctx.first_time(f"held:{member_id}:{other_id}:{ctx.now:%Y-%m-%d}"):
        return
    member, other = (ctx.session.get_one(Member, one) for one in (member_id, other_id))
    for one, text, about in ((member, texts.HELD_BACK, other), (other, texts.HOLDS_BACK, member)):
        reader = ctx.reader_of(one)
        said = text(reader.locale, amount=reader.amount(amount), other=about.name)
        ctx.tell(one, Message(text=said))


# Alerts: 80, 95, 100 % of what there was, and an early end, each once a period; a surge at most once an hour.
# One event is one message: what a surge has used up stands in the question about it, and a pace is told where no level is.


@dataclass(frozen=True)
class Alert:
    """`levels`: reached anew (0.8, 0.95, 1). `surge`: stored units spent in a surge, or 0. `early`: the quota ends early.

    `below`: the fallback; `falls`: its models go on anew; `ends`: its amount is used up anew.
    """

    status: QuotaStatus
    levels: tuple[Decimal, ...] = ()
    surge: int = 0
    early: Outlook | None = None
    below: FallbackView | None = None
    falls: bool = False
    ends: bool = False

    @property
    def rings(self) -> bool:
        return bool(self.levels or self.surge or self.early or self.falls or self.ends)


def alerting(ctx: Context, member_id: int) -> bool:
    """Whether `alert` would tell this member something."""
    found = _found(ctx, member_id)
    return found is not None and found.rings


def alert(
    ctx: Context,
    member_id: int,
    key_usage: Sequence[KeyUsage] = (),
    *,
    imported: bool = False,
    failed: bool = False,
) -> None:
    """`key_usage`: the last days by model and key, where the gateway knows them. `imported`: booked from a file.

    `failed`: the gateway did not take what was to be written.
    """
    found, member = _found(ctx, member_id, failed=failed), ctx.session.get_one(Member, member_id)
    if found is None:
        return
    marks = [_level_key(found.status, level) for level in found.levels]
    marks += [_fall_key(found.status, "on")] if found.falls else []
    marks += [_fall_key(found.status, "over")] if found.ends else []
    for mark in marks:
        ctx.first_time(mark)
    reached = _reached(ctx, ctx.reader_of(member), found) if marks else None
    surge = bool(found.surge) and surges.begin(ctx, member, Surge(found.surge, key_usage, imported, reached))
    if marks and not (surge and surges.asks(ctx)):
        ctx.tell(member, _level(ctx, member, found, key_usage))
    if found.early and ctx.first_time(_early_key(found.status)):
        ctx.tell(member, _early(ctx, member, found.early, found.status))


def _found(ctx: Context, member_id: int, *, failed: bool = False) -> Alert | None:
    status, member = QuotaStatus.of(ctx.session, member_id), ctx.session.get_one(Member, member_id)
    if not member.active:
        return None
    used, there_was = status.used, max(status.used + status.has.available, 1)
    reached = [level for level in ctx.policy.alerts.at if used > 0 and used >= share(there_was, level)]
    if reached and _mark(ctx, _level_key(status, max(reached))):
        reached = []
    below = fallback_of(ctx.session, member, ctx.policy) if status.has.available <= 0 else None
    if below is not None and below.comes and not failed:
        reached = []  # told with the models that go on, when they do
    surge = surges.surging(ctx, member, status)
    early = None if surge else _ends_early(ctx, member, status)
    falls = below is not None and below.goes_on and not _mark(ctx, _fall_key(status, "on"))
    ends = below is not None and below.over and not _mark(ctx, _fall_key(status, "over"))
    return Alert(status, tuple(reached), surge, early, below, falls, ends)


def _ends_early(ctx: Context, member: Member, status: QuotaStatus) -> Outlook | None:
    """None as well for a member who heard of it: by this warning, by a level, or by the question about a surge of today."""
    heard = status.used >= share(
        status.used + status.has.available, min(ctx.policy.alerts.at, default=Decimal(1))
    )
    if heard or member.paused_at is not None:
        return None
    view = early_end(ctx.session, status, ctx.policy.unit, ctx.now)
    told = view is None or _mark(ctx, _early_key(status)) or _surged_today(ctx, member.id)
    return None if told else view


def _surged_today(ctx: Context, member_id: int) -> bool:
    last = Alarm.latest(ctx.session, member_id)
    return last is not None and last.at > ctx.now - timedelta(days=1)


def _level(ctx: Context, member: Member, found: Alert, key_usage: Sequence[KeyUsage]) -> Message:
    reader = ctx.reader_of(member)
    say, out = reader.locale, found.status.has.available <= 0
    top = max(found.levels, default=Decimal(1))
    lines = [_reached(ctx, reader, found)]
    if what := most_used(ctx, member, reader, found.status.span.start, key_usage):
        lines.append((texts.ALERT_LATELY if key_usage else texts.ALERT_WHAT)(say, what=what))
    recallable = unspent_lent(ctx.session, member.id)
    if recallable:
        lines.append(texts.ALERT_RECALL(say, amount=reader.amount(recallable)))
    free = free_models(ctx.session, ctx.policy)
    if free and top >= NEARLY:
        lines.append(texts.FREE_MODELS_STILL(say, models=listed(free, reader.locale)))
    ask, borrow = surges.ways_to_more(reader)
    return Message(
        text="\n".join(lines),
        buttons=(ask, borrow) if out else (*_brake(ctx, member, reader), ask, borrow),
    )


def _reached(ctx: Context, reader: Reader, found: Alert) -> SafeText:
    say, used, left = reader.locale, found.status.used, found.status.has.available
    if left > 0:
        return texts.ALERT_LEFT(say, percent=used * 100 // (used + left), left=reader.amount(left))
    if found.below is not None and found.below.goes_on:
        return going_on(reader, found.below)
    lacks = (missing(ctx, reader, -left),) if left < 0 and ctx.live else ()
    if found.ends and found.below is not None:
        named, amount = models_named(reader, found.below.models), reader.amount(found.below.spent)
        return one_line((texts.FALLBACK_OVER(say, models=named, amount=amount), *lacks), say)
    return one_line((texts.ALERT_OUT(say), *lacks), say)


def _early(ctx: Context, member: Member, view: Outlook, status: QuotaStatus) -> Message:
    reader, ends = ctx.reader_of(member), view.runs_out or status.span.end
    days, left = (status.span.end - ends).days, reader.amount(status.has.available)
    early = texts.ONE_DAY(reader.locale) if days == 1 else texts.MANY_DAYS(reader.locale, days=days)
    facts = {"day": near_day(reader, ends, ctx.now), "days": early, "pace": reader.amount(view.pace)}
    lines = [texts.EARLY_END(reader.locale, left=left, **facts)]
    if what := most_used(ctx, member, reader, status.span.start, ()):
        lines.append(texts.ALERT_WHAT(reader.locale, what=what))
    lacks = needed(view, status.has, 1_000 if ctx.policy.unit is Unit.TOKENS else ctx.policy.unit.scale)
    lines.append(texts.WOULD_LAST(reader.locale, amount=reader.amount(lacks)))
    lines.append(texts.EARLY_WAYS(reader.locale))
    return Message(text=SafeText("\n".join(lines)), buttons=surges.ways_to_more(reader))


def _brake(ctx: Context, member: Member, reader: Reader) -> tuple[Button, ...]:
    # Only a gateway that enforces limits can pause.
    return (continue_button(reader), *((pause_button(reader),) if can_stop(ctx, member) else ()))


def _level_key(status: QuotaStatus, level: Decimal) -> str:
    return f"alert:{status.period_id}:{status.member_id}:{level}"


def _fall_key(status: QuotaStatus, what: str) -> str:
    # Told again after more own quota came and went.
    came = status.has.entitlement - status.fallback
    return f"fallback:{what}:{status.period_id}:{status.member_id}:{came}"


def _early_key(status: QuotaStatus) -> str:
    return f"early:{status.period_id}:{status.member_id}"


def _mark(ctx: Context, key: str) -> Effect | None:
    return ctx.session.exec(select(Effect).where(Effect.key == key)).one_or_none()
