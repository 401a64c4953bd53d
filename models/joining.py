"""Many people join an open period at once: what an import gives them, set by set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from models import policy as rules
from models.base import stored_time
from models.bases import Bases, among, id_list, note_allowances
from models.calendar import pro_rata
from models.ledger import AccountKind, Cause, organisation
from models.member import Member
from models.period import CHUNK, OPEN, Allowance, Period
from models.policy import Policy
from models.posting import post_all


def welcome_all(session: Session, member_ids: Sequence[int], now: datetime) -> int:
    """Give each joiner base × days left ÷ days of the open period, and return to how many; nothing twice.

    Nothing when no period is open: while one closes they wait for the opening. Somebody who left and comes back in the
    same period had their allowance of it, which expired as they left: they get nothing until the next opening.
    """
    period, current = Period.held(session), rules.current(session)
    if period is None or period.state != OPEN or current is None:
        return 0
    version, policy = current
    bases, ids = Bases(policy), sorted(set(member_ids))
    cause = Cause(now, "policy", f"join:{period.id}", policy=version)
    session.flush()
    return sum(
        _welcome_some(session, ids[first : first + CHUNK], period, policy, bases, cause)
        for first in range(0, len(ids), CHUNK)
    )


def _welcome_some(
    session: Session, ids: list[int], period: Period, policy: Policy, bases: Bases, cause: Cause
) -> int:
    known = select(Allowance.member_id).where(Allowance.period_id == period.id)
    joiners = list(bases.among(session, col(Member.id).in_(ids), col(Member.id).not_in(known)))
    if not joiners:
        return 0
    parts = [
        one._replace(amount=pro_rata(one.amount, period.span, policy.zone, cause.at, policy.unit))
        for one in joiners
    ]
    words = {"ids": id_list(session, note_allowances(session, period.id, parts, cause.at))}
    opened = words | {"at": stored_time(session, cause.at)}
    session.connection().execute(text(among(session, _OPEN)), opened)
    issued = {"issued": organisation(session, AccountKind.ISSUED, cause.at), "period": period.id}
    post_all(session, among(session, _GIVE), words | issued, cause)
    post_all(session, among(session, _FILL), words, cause)
    return len(joiners)


_OPEN = (
    "INSERT INTO account (kind, balance, member_id, opened_at) SELECT 'allocation', 0, m.id, :at FROM member m "
    "WHERE m.id AMONG "
    "AND NOT EXISTS (SELECT 1 FROM account a WHERE a.member_id = m.id AND a.kind = 'allocation') ORDER BY m.id"
)
_GIVE = (
    "SELECT 'allocate' AS kind, w.base AS amount, CAST(:issued AS BIGINT) AS source_id, a.id AS target_id, "
    "CAST(NULL AS BIGINT) AS loan_id FROM allowance w JOIN account a ON a.member_id = w.member_id "
    "AND a.kind = 'allocation' WHERE w.period_id = :period AND w.member_id AMONG ORDER BY a.id"
)
_FILL = (
    "SELECT 'fill' AS kind, CASE WHEN a.balance < -o.balance THEN a.balance ELSE -o.balance END AS amount, a.id AS source_id, o.id AS target_id, "
    "CAST(NULL AS BIGINT) AS loan_id FROM account a JOIN account o ON o.member_id = a.member_id "
    "AND o.kind = 'overdraft' WHERE a.kind = 'allocation' AND a.balance > 0 AND o.balance < 0 "
    "AND a.member_id AMONG ORDER BY a.id"
)
