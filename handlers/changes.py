"""What a changed policy means to somebody, said beside their balance; and the owner of a pool that is nearly spent."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from handlers.context import Context, Voice
from handlers.wording import Shown, Text
from models.calendar import midnight
from models.ledger import Account, AccountKind
from models.member import Member
from models.message import Message
from models.outbox import Effect, promise_once
from models.period import Period, allowance_of, funded
from models.policy import PolicyVersion, policy_of

CHANGED_SINCE = Text("Since {day}: {before} → {after} a period.", "{day} 起每期额度：{before} → {after}。")
CHANGE_TO_COME = Text("From {day} your quota is {amount}.", "自 {day} 起，你的额度为 {amount}。")
BECAUSE = Text(" Why: {reason}", "原因：{reason}")
POOL_NEARLY_SPENT = Text(
    "{spent} of the {budget} top-up budget of {team} is granted; {left} is left for this period.",
    "团队 {team} 的追加预算 {budget} 已批出 {spent}，本期还剩 {left}。",
)
NEARLY = 80
"""Percent of a pool's budget at which its owner is told."""


def changes(ctx: Context, period: Period) -> list[Shown]:
    """One sentence for a base that changed in this period, one for a base that a staged policy will change."""
    found = [_since(ctx, period), _to_come(ctx)]
    return [one for one in found if one is not None]


def _since(ctx: Context, period: Period) -> Shown | None:
    """What the last change of policy in this period made of one's base; nothing for who joined after it."""
    query = select(PolicyVersion).where(
        col(PolicyVersion.in_force_at).is_not(None), col(PolicyVersion.version) < ctx.version
    )
    before = ctx.session.exec(query.order_by(col(PolicyVersion.version).desc()).limit(1)).first()
    now = ctx.session.get(PolicyVersion, ctx.version)
    had = allowance_of(ctx.session, ctx.me.id, period.id)
    if before is None or now is None or now.in_force_at is None or had is None or before.version is None:
        return None
    if now.in_force_at < period.starts_at or had.since > now.in_force_at:
        return None
    columns = ctx.me.columns()
    old = policy_of(before.version, before.text).base_for(columns).amount
    new = ctx.policy.base_for(columns)
    if old == new.amount:
        return None
    reader = ctx.reader
    facts = {
        "day": reader.day(now.in_force_at),
        "before": reader.amount(old),
        "after": reader.amount(new.amount),
    }
    why = BECAUSE(reader.locale, reason=new.reason) if new.reason else Shown("")
    return Shown(CHANGED_SINCE(reader.locale, **facts) + why)


def _to_come(ctx: Context) -> Shown | None:
    """What the newest staged policy will give instead, from its day on."""
    query = select(PolicyVersion).where(
        col(PolicyVersion.in_force_at).is_(None), col(PolicyVersion.version) > ctx.version
    )
    staged = ctx.session.exec(query.order_by(col(PolicyVersion.version).desc()).limit(1)).first()
    if staged is None or staged.version is None or staged.effective is None:
        return None
    policy, columns = policy_of(staged.version, staged.text), ctx.me.columns()
    due = policy.base_for(columns)
    if due.amount == ctx.policy.base_for(columns).amount:
        return None
    reader = ctx.reader
    noon = midnight(staged.effective, policy.zone) + timedelta(
        hours=12
    )  # the same day in the reader's zone, nearly always
    said = CHANGE_TO_COME(reader.locale, day=reader.day(noon), amount=reader.amount(due.amount))
    return Shown(said + (BECAUSE(reader.locale, reason=due.reason) if due.reason else ""))


def warn_of_pools(voice: Voice) -> bool:
    """The owner of a team hears once a period that four fifths of its budget are granted."""
    period = Period.latest(voice.session)
    if period is None or period.state != "open":
        return False
    pools = select(Account).where(Account.kind == AccountKind.POOL, Account.period_id == period.id)
    for pool in voice.session.exec(pools).all():
        budget, team = funded(voice.session, pool.id), voice.policy.team(pool.team or "")
        spent = budget - pool.balance
        if team is None or team.owner is None or not budget or spent * 100 < NEARLY * budget:
            continue
        owner = voice.session.exec(select(Member).where(Member.email == team.owner)).one_or_none()
        if owner is not None and _first_time(voice, f"pool:{pool.id}"):
            _warn(voice, owner, team.name, spent, budget)
    return False


def _warn(voice: Voice, owner: Member, team: str, spent: int, budget: int) -> None:
    reader = voice.reader_of(owner)
    spent_, budget_, left = (reader.amount(one) for one in (spent, budget, budget - spent))
    text = POOL_NEARLY_SPENT(reader.locale, team=team, spent=spent_, budget=budget_, left=left)
    voice.tell(owner, Message(text=text))


def _first_time(voice: Voice, key: str) -> bool:
    """Whether this is said for the first time: a done effect is the mark."""
    if voice.session.exec(select(Effect.id).where(Effect.key == key)).first() is not None:
        return False
    promise_once(voice.session, Effect(key=key, kind="mark", due_at=voice.now, done_at=voice.now))
    return True
