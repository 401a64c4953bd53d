"""How long messages are kept after they were sent or set aside."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, cast, func, literal
from sqlmodel import Session, col, delete, select

from models.messages.outbox import Effect
from models.policy.versions import PolicyVersion
from models.quota.policy_notice import announced
from models.quota.request import REQUEST, Request
from models.quota.request_state import OPEN, UNCONFIRMED

PAGE = 1_000


def purge_effects(session: Session, now: datetime, kept: timedelta) -> bool:
    """Delete a page of effects that ended longer than `kept` ago; True when there may be more.

    Marks stay: they hold no words and say what was told once. So do cards of requests that can still change, and
    announcements of a policy whose day is not over.
    """
    ended = func.coalesce(col(Effect.done_at), col(Effect.parked_at)) < now - kept
    about = func.coalesce(col(Effect.about), "")
    open_requests = select(literal(REQUEST) + cast(Request.code, String)).where(
        col(Request.state).in_([*OPEN, *UNCONFIRMED])
    )
    later = select(PolicyVersion.version).where(
        col(PolicyVersion.effective) >= now.date() - timedelta(days=1)
    )
    policies = [announced(version) for version in session.exec(later).all() if version is not None]
    old = (
        select(Effect.id)
        .where(ended, Effect.kind != "mark", about.not_in(open_requests), about.not_in(policies))
        .limit(PAGE)
    )
    gone = session.execute(delete(Effect).where(col(Effect.id).in_(old)))
    return bool(gone.rowcount)  # type: ignore[attr-defined]
