"""Changes of a member's quota, shown beside the balance."""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, func
from sqlmodel import col, select

from handlers.context import Reader, RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, listed, one_line
from models.policy.document import Policy
from models.policy.versions import PolicyVersion, policy_of
from models.quota.opening import opening_of
from models.quota.status import QuotaStatus


def opened(ctx: RequestContext, status: QuotaStatus) -> list[SafeText]:
    """One sentence for an opening that gave more or less than the base."""
    found = opening_of(ctx.session, ctx.me.id, status.period_id, status.span.start)
    if found is None or found.plain:
        return []
    say, reader = ctx.reader.locale, ctx.reader
    moves = (
        (texts.OPENED_GIVEN, found.given),
        (texts.OPENED_CARRIED, found.carried),
        (texts.OPENED_FILLED, found.filled),
        (texts.OPENED_REPAID, found.repaid),
        (texts.OPENED_RETURNED, found.returned),
    )
    said = [text(say, amount=reader.amount(amount)) for text, amount in moves if amount]
    return [texts.OPENED(say, moves=SafeText(listed(said, say)))]


def changes(ctx: RequestContext, status: QuotaStatus) -> list[SafeText]:
    """A sentence for a change of the base in this period, and one for a staged change."""
    rows = ctx.session.exec(_AROUND, params={"version": ctx.version}).all()
    in_force, staged = [row for row in rows if row.in_force_at], rows[-1:]
    found = [_since(ctx, status, *in_force[:2])] if len(in_force) > 1 else []
    found += [_to_come(ctx, one) for one in staged if one.in_force_at is None]
    return [one for one in found if one is not None]


_BEFORE = select(func.max(PolicyVersion.version)).where(
    col(PolicyVersion.in_force_at).is_not(None), col(PolicyVersion.version) < bindparam("version")
)
_AROUND = (  # the version in force before, the one in force, and the staged one
    select(PolicyVersion)
    .where(
        col(PolicyVersion.version)
        >= func.coalesce(_BEFORE.scalar_subquery(), bindparam("version", type_=Integer))
    )
    .order_by(col(PolicyVersion.version))
)


def _since(
    ctx: RequestContext, status: QuotaStatus, before: PolicyVersion, now: PolicyVersion
) -> SafeText | None:
    # Members who joined after the change never had the old base.
    if now.in_force_at is None or now.in_force_at < status.span.start:
        return None
    if status.since is None or status.since > now.in_force_at:
        return None
    columns = ctx.me.columns()
    old, new = _rules(before).base_for(columns).amount, ctx.policy.base_for(columns)
    if old == new.amount:
        return None
    reader = ctx.reader
    facts = {
        "day": reader.calendar_day(now.effective) if now.effective else reader.day(now.in_force_at),
        "before": reader.amount(old),
        "after": reader.amount(new.amount),
    }
    return _with_reason(texts.CHANGED_SINCE(reader.locale, **facts), new.reason, reader)


def _to_come(ctx: RequestContext, staged: PolicyVersion) -> SafeText | None:
    if staged.effective is None:
        return None
    policy, columns = _rules(staged), ctx.me.columns()
    due = policy.base_for(columns)
    if due.amount == ctx.policy.base_for(columns).amount:
        return None
    reader = ctx.reader
    day = reader.calendar_day(staged.effective)
    said = texts.CHANGE_TO_COME(reader.locale, day=day, amount=reader.amount(due.amount))
    return _with_reason(said, due.reason, reader)


def _with_reason(sentence: SafeText, reason: str, reader: Reader) -> SafeText:
    why = texts.BECAUSE(reader.locale, reason=reason) if reason else SafeText("")
    return one_line((sentence, why), reader.locale)


def _rules(kept: PolicyVersion) -> Policy:
    return policy_of(kept.version or 0, kept.text)
