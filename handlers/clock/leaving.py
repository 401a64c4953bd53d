"""Show on every card what somebody's leaving has ended."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from handlers.clock.asks import tell_of_the_end
from handlers.context import Context
from handlers.requests import settle
from models.people.member import Member
from models.policy import versions
from models.quota.ask import Ask
from models.quota.request import Request
from models.quota.request_state import RequestState


def show_leaving(session: Session, leaver: Member, now: datetime) -> None:
    """What somebody's leaving has ended just now is over on every card, and who waited for them hears of it."""
    current = versions.current(session)
    if current is None:
        return
    ctx = Context(
        session=session,
        now=now,
        key=f"left:{leaver.id}:{now.isoformat()}",
        version=current[0],
        policy=current[1],
    )
    void = select(Request).where(
        Request.member_id == leaver.id, Request.state == RequestState.VOID, Request.decided_at == now
    )
    for request in session.exec(void).all():
        settle(ctx, request)
    for ask in Ask.ended_by_leaving(session, leaver.id, now):
        tell_of_the_end(ctx, ask)
