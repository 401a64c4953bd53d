"""What a requester got in this period before, and what they borrowed: what an approver wants to remember."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.ledger.transfer import Kind, Transfer
from models.quota.loan import Loan
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import RequestState


@dataclass(frozen=True)
class TrackRecord:
    """Of this period, in stored units. `count`: earlier granted requests; `since`: borrowed since asking."""

    count: int = 0
    granted: int = 0
    declined_at: datetime | None = None
    borrowed: int = 0
    since: int = 0

    @classmethod
    def before(cls, session: Session, request: Request) -> Self:
        period = Period.latest(session)
        if period is None:
            return cls()
        earlier = select(Request).where(
            Request.member_id == request.member_id,
            Request.id != request.id,
            col(Request.decided_at) >= period.starts_at,
        )
        rows = session.exec(earlier).all()
        grants = [one.granted for one in rows if one.granted]
        declined = [one.decided_at for one in rows if one.state == RequestState.DECLINED and one.decided_at]
        return cls(
            len(grants),
            sum(grants),
            max(declined, default=None),
            _borrowed(session, request.member_id, period.starts_at),
            borrowed_since_asking(session, request, period),
        )


def borrowed_since_asking(session: Session, request: Request, period: Period) -> int:
    return _borrowed(session, request.member_id, max(request.asked_at, period.starts_at))


def _borrowed(session: Session, member_id: int, since: datetime) -> int:
    lent = (
        select(func.coalesce(func.sum(Transfer.amount), 0))
        .join(Loan, col(Loan.id) == Transfer.loan_id)
        .where(Loan.borrower_id == member_id, Transfer.kind == Kind.LEND, Transfer.at >= since)
    )
    return int(session.exec(lent).one())
