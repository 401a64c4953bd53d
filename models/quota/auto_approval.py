"""What the policy may approve alone: small, rare, not in parts, and never after a decline."""

from __future__ import annotations

from sqlmodel import Session, col, select

from models.ledger.amount import share
from models.people.member import Member
from models.policy.document import Policy
from models.quota.allocation import base_of
from models.quota.period import Period
from models.quota.pool import pool_for
from models.quota.request import BY_POLICY, Request
from models.quota.request_state import RequestState


def allows(session: Session, request: Request, policy: Policy) -> bool:
    # A request that no approver could be told of is not `PENDING`, so it is never approved here.
    rule, period = policy.requests.auto_approve, Period.current(session)
    if rule.per_period == 0 or request.state != RequestState.PENDING:
        return False
    earlier = _decided(session, request.member_id, period)
    if any(one.state == RequestState.DECLINED for one in earlier):
        return False
    by_policy = [one.granted for one in earlier if one.answer == BY_POLICY and one.decided_by_id is None]
    most = share(base_of(session, request.member_id, period.id), rule.share)
    within = len(by_policy) < rule.per_period and sum(by_policy) + request.amount <= most
    pool = pool_for(session, session.get_one(Member, request.member_id), policy, period.id)
    return within and (pool is None or pool.balance >= request.amount)


def _decided(session: Session, member_id: int, period: Period) -> list[Request]:
    query = select(Request).where(Request.member_id == member_id, col(Request.decided_at) >= period.starts_at)
    return list(session.exec(query).all())
