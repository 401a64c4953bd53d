"""The brake: a member stops their own spending, and lifts that again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from models.metering.gateway_account import GatewayAccount
from models.people.member import Member


def pause(session: Session, member: Member, now: datetime) -> None:
    """From now on the limit is what was spent, until `resume`."""
    member.paused_at = now
    GatewayAccount.mark_due(session, member.id)


def resume(session: Session, member: Member) -> None:
    """Lift a pause; without one, only compare the limits again."""
    member.paused_at = None
    GatewayAccount.mark_due(session, member.id)
