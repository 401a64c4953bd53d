"""How much of a request can be granted: the approver's ceiling and the team's pool may allow less than asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from models.people.member import Member
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.pool import pool_for
from models.quota.request import Request


@dataclass(frozen=True)
class Grantable:
    """`most`: stored units, at most the amount of the request. `limit`: the reason why it is less."""

    most: int
    limit: Literal["ceiling", "pool"] | None = None

    @classmethod
    def of(cls, session: Session, request: Request, policy: Policy, ceiling: int | None) -> Grantable:
        """`ceiling`: the approver's (None: any amount)."""
        found = cls(request.amount)
        if ceiling is not None and ceiling < found.most:
            found = cls(ceiling, "ceiling")
        left = _left_in_pool(session, request, policy)
        return cls(left, "pool") if left is not None and left < found.most else found


def _left_in_pool(session: Session, request: Request, policy: Policy) -> int | None:
    # Rounded down to what an amount shows, so that a button grants what it says. None: no pool pays.
    period = Period.latest(session)
    member = session.get_one(Member, request.member_id)
    pool = pool_for(session, member, policy, period.id) if period else None
    step = max(1, policy.unit.scale // 100)
    return None if pool is None else pool.balance // step * step
