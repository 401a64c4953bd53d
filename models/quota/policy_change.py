"""A policy comes into force: the first one, a changed one, and a staged one whose day has come.

Each function is one transaction. A killed run is done again and goes on where it stopped.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from models.ledger.transfer import Cause
from models.policy import versions
from models.policy.calendar import midnight
from models.policy.document import Policy
from models.policy.versions import PolicyVersion, put_in_force
from models.quota.allocation import adjust
from models.quota.closing import advance, begin_turn, open_first, overdue
from models.quota.period import Period, PeriodState
from models.quota.pool import fit_pools
from models.statement import Statement


def begin(session: Session, text: str, policy: Policy, now: datetime, by: str) -> None:
    """Record the first policy and begin to open its period. Does nothing when there is a policy."""
    if versions.current(session) is None:
        open_first(session, now, versions.record_version(session, text, now, by), policy)


def adjust_pools(session: Session, period: Period, version: int, policy: Policy, now: datetime) -> None:
    # After everybody's base was adjusted.
    fit_pools(session, period, policy, Cause(now, "policy", f"policy:{version}", policy=version))


def enact(session: Session, now: datetime) -> bool:
    """Do the next piece of putting a staged policy in force whose day has come. True while there is more.

    Its place is the open period's cursor, so it may be killed anywhere.
    """
    period = session.exec(
        select(Period).where(Period.state == PeriodState.OPEN).with_for_update()
    ).one_or_none()
    found = versions.due(session, min(now, period.ends_at)) if period else None
    if period is None or found is None:
        return False
    version, policy = found
    # A policy that begins with the next period posts nothing here: the opening posts whole bases.
    if not _begins_with_next(session, version, policy, period):
        last, _ = adjust(session, now, version, policy, period.cursor)
        period.cursor = last or 0
        session.add(period)
        if last is not None:
            return True
        adjust_pools(session, period, version, policy, now)
    put_in_force(session, version, now)
    return True


def move_on(session: Session, now: datetime, *, several: bool = False) -> bool:
    """Do the next piece of what is due for policy and period, in calendar order. True while there is more.

    `several`: an operator agreed that more than one period closes. Without that only one that turns already is finished.
    """
    session.flush()
    if not _DUE.one(session, now=now):
        return False
    if not several and overdue(session, now):
        return advance(session, now)
    return enact(session, now) or (begin_turn(session, now) and (advance(session, now) or True))


# Every replica asks each minute: whether a period turns or is over, or a policy waits for its day.
_DUE = Statement(
    "SELECT EXISTS (SELECT 1 FROM period WHERE state = 'turning' OR (state = 'open' AND ends_at <= :now)) "
    "OR EXISTS (SELECT 1 FROM policyversion WHERE in_force_at IS NULL "
    "AND version = (SELECT MAX(version) FROM policyversion))",
    row=bool,
)


def _begins_with_next(session: Session, version: int, policy: Policy, period: Period) -> bool:
    effective = session.get_one(PolicyVersion, version).effective
    return effective is not None and midnight(effective, policy.zone) >= period.ends_at
