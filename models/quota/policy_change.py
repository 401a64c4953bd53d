"""A changed policy comes into force: what stands, who is touched, and the staged one whose day has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.ledger.transfer import Cause
from models.people.member import Member
from models.policy import versions
from models.policy.calendar import midnight
from models.policy.document import Policy, fold
from models.policy.versions import PolicyVersion, put_in_force
from models.quota.allocation import Allowance, adjust
from models.quota.closing import advance, begin_turn
from models.quota.period import Period, PeriodState
from models.quota.pool import fit_pools


def standing(session: Session, before: Policy | None, members: Iterable[Member]) -> dict[int, int]:
    """The whole base that everybody has now; a joiner's is that of their rule, not the part they got for the days left."""
    period = Period.latest(session)
    if period is None or before is None:
        return {}
    columns = (Allowance.member_id, Allowance.base, Allowance.rule, Allowance.since)
    given = session.exec(select(*columns).where(Allowance.period_id == period.id)).all()
    found, here = {}, {member.id for member in members}
    for member_id, base, rule, since in given:
        if member_id not in here:
            continue
        if since <= period.starts_at:
            found[member_id] = base
        elif rule < len(before.allocations):
            found[member_id] = before.allocations[rule].amount if rule >= 0 else 0
    return found


def spent_before(session: Session) -> dict[str, int]:
    """What each team's people spent in the period before the current one (stored units); empty when there was none.

    By the folded name of the team they are in, or were in when they left.
    """
    current = Period.latest(session)
    last = session.exec(
        select(Period.id)
        .where(Period.state == PeriodState.CLOSED)
        .order_by(col(Period.starts_at).desc())
        .limit(1)
    ).first()
    if current is None or last is None:
        return {}
    spent: dict[str, int] = {}
    for team, amount in session.connection().execute(_SPENT, {"last": last, "now": current.id}):
        spent[fold(team)] = spent.get(fold(team), 0) + int(amount)
    return spent


_SPENT = text(
    "SELECT m.team, SUM(COALESCE(w.used_before, u.balance, 0) - o.used_before) FROM allowance o "
    "JOIN member m ON m.id = o.member_id "
    "LEFT JOIN allowance w ON w.member_id = m.id AND w.period_id = :now "
    "LEFT JOIN account u ON u.member_id = m.id AND u.kind = 'used' WHERE o.period_id = :last GROUP BY m.team"
)


def enact(session: Session, now: datetime) -> bool:
    """Do the next piece of bringing a staged policy in force whose day has come; True while there is more.

    Its place is the open period's cursor, so it may be killed anywhere. A policy whose day is that of the opening is
    only put in force: the opening posts whole bases.
    """
    period = session.exec(
        select(Period).where(Period.state == PeriodState.OPEN).with_for_update()
    ).one_or_none()
    found = versions.due(session, min(now, period.ends_at)) if period else None
    if period is None or found is None:
        return False
    version, policy = found
    if not _begins_with_next(session, version, policy, period):
        last, _ = adjust(session, now, version, policy, period.cursor)
        period.cursor = last or 0
        session.add(period)
        if last is not None:
            return True
        fit_pools(session, period, policy, Cause(now, "policy", f"policy:{version}", policy=version))
    put_in_force(session, version, now)
    return True


def move_on(session: Session, now: datetime) -> bool:
    """Do the next piece of what time asks of policy and period, in the order of the calendar; True while there is more."""
    return enact(session, now) or (begin_turn(session, now) and (advance(session, now) or True))


def _begins_with_next(session: Session, version: int, policy: Policy, period: Period) -> bool:
    effective = session.get_one(PolicyVersion, version).effective
    return effective is not None and midnight(effective, policy.zone) >= period.ends_at
