"""Show the requests and asks that ended because a member left."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from handlers.clock.asks import tell_of_the_end
from handlers.context import Context
from handlers.requests import settle
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.request import Request
from models.quota.request_state import RequestState


def show_leaving(session: Session, leaver: Member, now: datetime) -> None:
    """Update every card of what ended at `now`, and tell the people who waited."""
    ctx = Context.of(session, now, f"left:{leaver.id}:{now.isoformat()}")
    if ctx is None:
        return
    void = select(Request).where(
        Request.member_id == leaver.id, Request.state == RequestState.VOID, Request.decided_at == now
    )
    for request in session.exec(void).all():
        settle(ctx, request)
    for ask in Ask.ended_by_leaving(session, leaver.id, now):
        tell_of_the_end(ctx, ask)
