"""The brake: members stop their own spending."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from models.metering.gateway_account import GatewayAccount
from models.people.member import Member


def pause(session: Session, member: Member, now: datetime) -> None:
    """Until `resume`, the limit is what was spent."""
    member.paused_at = now
    GatewayAccount.mark_due(session, member.id)


def resume(session: Session, member: Member) -> None:
    """Without a pause, the limits are only compared again."""
    member.paused_at = None
    GatewayAccount.mark_due(session, member.id)
