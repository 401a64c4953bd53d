"""Which teammates could spare an amount, by their pace. For choosing whom to ask; never shown to anybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind
from models.messages.tally import may_write_from
from models.metering.outlook import DAY, outlook
from models.people.member import Member, reachable
from models.people.mute import takes_asks
from models.policy.document import Policy
from models.quota.status import QuotaStatus

LOOKED_AT = 30
"""Teammates with the largest allocations: a team may have thousands."""


def has_teammates(session: Session, member: Member) -> bool:
    return bool(member.team) and session.exec(_teammates(member).limit(1)).first() is not None


def who_can_spare(
    session: Session, borrower: Member, amount: int, policy: Policy, now: datetime, but: set[int]
) -> Member | None:
    """The teammate (none of `but`) who has most left over when the period ends; None where nobody could spare `amount`."""
    holds = select(Account.balance).where(
        Account.member_id == Member.id, Account.kind == AccountKind.ALLOCATION
    )
    query = _teammates(borrower).where(col(Member.id).not_in(but), col(Member.no_asks).is_(False))
    query = query.where(holds.scalar_subquery() > amount).order_by(
        holds.scalar_subquery().desc(), col(Member.id)
    )
    best: tuple[int, Member | None] = (amount - 1, None)
    for one in session.exec(query.limit(LOOKED_AT)).all():
        spare = _spare(session, one, policy, now)
        if spare > best[0] and _may_be_asked(session, one, borrower, now):
            best = spare, one
    return best[1]


def _teammates(member: Member):  # type: ignore[no-untyped-def]
    here = col(Member.left_at).is_(None), Member.id != member.id
    return select(Member).where(func.lower(Member.team) == member.team.lower(), *here)


def _spare(session: Session, member: Member, policy: Policy, now: datetime) -> int:
    status = QuotaStatus.of(session, member.id)
    view = outlook(session, status, now)
    used = view.pace * int(view.left.total_seconds()) // DAY
    return status.has.lendable(policy, status.base) - max(0, used - status.has.top_ups - status.has.borrowed)


def _may_be_asked(session: Session, one: Member, borrower: Member, now: datetime) -> bool:
    heard = reachable(session, one.id) and takes_asks(session, one, borrower.id)
    return heard and may_write_from(session, borrower.id, one.id, now) <= now
