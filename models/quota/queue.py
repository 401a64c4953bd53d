"""The open requests that a member may decide, in the order in which they were asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from models.policy.document import Policy
from models.quota import approvers
from models.quota.approvers import Asked
from models.quota.grantable import Grantable
from models.quota.request import Request
from models.quota.request_state import RequestState


@dataclass(frozen=True)
class Waiting:
    """`whole`: this member can grant all that is asked, as far as ceiling and pool allow now."""

    request: Request
    whole: bool


def waiting_for(session: Session, policy: Policy, member_id: int, now: datetime) -> list[Waiting]:
    """Authority is today's: who was asked and may not decide any more has nothing waiting."""
    asked = (
        select(Request)
        .join(Asked, col(Asked.request_id) == Request.id)
        .where(Asked.member_id == member_id, Request.state == RequestState.PENDING)
        .order_by(col(Request.asked_at), col(Request.id))
    )
    found = []
    for request in session.exec(asked).all():
        entry = approvers.entry_today(session, policy, request.id, request.member_id, member_id, now)
        if entry is not None:
            can = Grantable.of(session, request, policy, entry.ceiling)
            found.append(Waiting(request, can.limit is None))
    return found
