"""Break-glass: `emergency [amount] [reason]`, off unless the policy allows it."""

from __future__ import annotations

from datetime import timedelta

from handlers.admins import to_admins
from handlers.approval import ending
from handlers.context import Context, Reader, RequestContext
from handlers.requests import bring_up_to_date
from handlers.words import texts
from handlers.words.text import SafeText, listed, one_line
from models.ledger.amount import plain
from models.messages.message import Button, Message, clean, escape
from models.people.member import Member
from models.quota import emergency
from models.quota.emergency import Emergencies, Hindrance
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of


def take(ctx: RequestContext, amount: int | None = None, reason: str = "") -> Message:
    """Grant at once, and tell everybody in the chain and the admins; or say why not and what to do."""
    emergency.lock(ctx.session, ctx.me)
    if (no := why_not(ctx, amount)) is not None:
        return no
    found = Emergencies.of(ctx.session, ctx.me, ctx.policy, ctx.now)
    reason = clean(reason) or (found.asked.reason if found.asked else "")
    granted = emergency.take(
        ctx.session, ctx.me, found.amount(amount), reason,
        policy=ctx.policy, live=ctx.live, cause=ctx.cause(reason),
    )  # fmt: skip
    told = _tell_chain(ctx, found, granted)
    if found.asked is not None:
        bring_up_to_date(ctx, found.asked)  # its card says what was granted meanwhile
    ctx.refresh_home(ctx.me)
    return _taken(ctx, found, granted, told)


def why_not(ctx: RequestContext, amount: int | None) -> Message | None:
    """Why it cannot be taken now, and what to do instead; None when it can."""
    found = Emergencies.of(ctx.session, ctx.me, ctx.policy, ctx.now)
    why = found.hindrance(amount, ctx.now)
    return Message(text=_words(ctx, found, why)) if why is not None else None


def button(ctx: RequestContext) -> tuple[Button, ...]:
    """Offered beside an open request for which nobody has decided in time."""
    found = Emergencies.of(ctx.session, ctx.me, ctx.policy, ctx.now)
    if found.hindrance(None, ctx.now) is not None:
        return ()
    amount = ctx.reader.amount(found.amount(None))
    label = texts.EMERGENCY_BUTTON(ctx.reader.locale, amount=amount)
    return (Button(label, "request.emergency", typed="emergency"),)


def _taken(ctx: RequestContext, found: Emergencies, granted: Request, told: list[Member]) -> Message:
    reader, period = ctx.reader, Period.current(ctx.session)
    text = texts.EMERGENCY_TAKEN(
        reader.locale,
        amount=reader.amount(granted.granted),
        code=SafeText(granted.code),
        day=reader.last_day(period.ends_at),
        names=listed([one.name for one in told], reader.locale),
        left=reader.left(wallet_of(ctx.session, ctx.me.id).available),
    )
    lines = [text, ending.ends_soon(ctx, granted, reader, texts.GRANT_ENDS_SOON)]
    if found.asked is not None:
        lines.append(texts.EMERGENCY_STILL_WAITS(reader.locale, code=SafeText(found.asked.code)))
    note = texts.GRANT_ACTIVATING(reader.locale) if granted.state == RequestState.APPROVED else ""
    return Message(text=one_line(lines, reader.locale), footnote=note)


def _tell_chain(ctx: Context, found: Emergencies, granted: Request) -> list[Member]:
    """Everybody who may revoke it gets a button for that. Returns those who were reached."""
    told: list[Member] = []
    for candidate in found.chain:
        for member, _ in candidate.deciders(granted.member_id):
            if member.id not in {one.id for one in told}:
                reader = ctx.reader_of(member)
                revoke = Button(
                    texts.REVOKE_BUTTON(reader.locale),
                    "request.revoke",
                    granted.code,
                    typed=f"revoke {granted.code}",
                )
                if ctx.tell(member, Message(text=_said(ctx, reader, granted), buttons=(revoke,))):
                    told.append(member)
    to_admins(ctx, lambda reader: Message(text=_said(ctx, reader, granted)), but={one.id for one in told})
    return told


def _said(ctx: Context, reader: Reader, granted: Request) -> SafeText:
    name = ctx.session.get_one(Member, granted.member_id).name
    text = texts.EMERGENCY_TOLD(
        reader.locale, name=name, amount=reader.amount(granted.granted), code=SafeText(granted.code)
    )
    return SafeText(f"{text}\n> {escape(granted.reason)}") if granted.reason else text


def _words(ctx: RequestContext, found: Emergencies, why: Hindrance) -> SafeText:
    reader, opens = ctx.reader, found.opens_at()
    wait = found.rule.after if found.rule and found.rule.after else timedelta()
    facts = {
        "most": reader.amount(found.most),
        "plain": SafeText(plain(found.most, ctx.policy.unit)),
        "code": SafeText(found.asked.code) if found.asked else SafeText(""),
        "time": reader.moment(opens) if opens else SafeText(""),
        "wait": _length(reader, wait),
    }
    return texts.NO_EMERGENCY[why](reader.locale, **facts)


def _length(reader: Reader, wait: timedelta) -> SafeText:
    minutes = int(wait.total_seconds() // 60)
    if minutes % 60:
        return texts.WAIT_MINUTES(reader.locale, count=minutes)
    return texts.WAIT_HOURS(reader.locale, count=minutes // 60)
