"""Changes of a member's quota, shown beside the balance."""

from __future__ import annotations

from handlers.context import Reader, RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, listed, one_line
from models.metering.quota_view import Applied, QuotaView
from models.policy.document import Policy
from models.policy.versions import policy_of
from models.quota.status import QuotaStatus


def opened(reader: Reader, view: QuotaView) -> list[SafeText]:
    """One sentence for an opening that gave more or less than the base."""
    found, say = view.opening, reader.locale
    if found is None or found.plain:
        return []
    moves = (
        (texts.OPENED_GIVEN, found.given),
        (texts.OPENED_CARRIED, found.carried),
        (texts.OPENED_FILLED, found.filled),
        (texts.OPENED_REPAID, found.repaid),
        (texts.OPENED_RETURNED, found.returned),
    )
    said = [text(say, amount=reader.amount(amount)) for text, amount in moves if amount]
    return [texts.OPENED(say, moves=SafeText(listed(said, say)))]


def changes(ctx: RequestContext, reader: Reader, view: QuotaView) -> list[SafeText]:
    """A sentence for a change of the base in this period, and one for a staged change."""
    rows = view.versions
    in_force, staged = [row for row in rows if row.in_force_at], rows[-1:]
    found = [_since(ctx, reader, view.status, *in_force[:2])] if len(in_force) > 1 else []
    found += [_to_come(ctx, reader, one) for one in staged if one.in_force_at is None]
    return [one for one in found if one is not None]


def _since(
    ctx: RequestContext, reader: Reader, status: QuotaStatus, before: Applied, now: Applied
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
    facts = {
        "day": reader.calendar_day(now.effective) if now.effective else reader.day(now.in_force_at),
        "before": reader.amount(old),
        "after": reader.amount(new.amount),
    }
    return _with_reason(texts.CHANGED_SINCE(reader.locale, **facts), new.reason, reader)


def _to_come(ctx: RequestContext, reader: Reader, staged: Applied) -> SafeText | None:
    if staged.effective is None:
        return None
    policy, columns = _rules(staged), ctx.me.columns()
    due = policy.base_for(columns)
    if due.amount == ctx.policy.base_for(columns).amount:
        return None
    day = reader.calendar_day(staged.effective)
    said = texts.CHANGE_TO_COME(reader.locale, day=day, amount=reader.amount(due.amount))
    return _with_reason(said, due.reason, reader)


def _with_reason(sentence: SafeText, reason: str, reader: Reader) -> SafeText:
    why = texts.BECAUSE(reader.locale, reason=reason) if reason else SafeText("")
    return one_line((sentence, why), reader.locale)


def _rules(kept: Applied) -> Policy:
    return policy_of(kept.version, kept.text)
