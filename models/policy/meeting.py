"""The members of a request and the policy in force, read in one statement."""

from __future__ import annotations

from sqlmodel import Session

from models.db import Statement
from models.people.member import ADDRESS, BEHIND, MEMBER, remember
from models.policy import versions

_MEETING = Statement(
    f"SELECT {MEMBER.columns('m')}, {ADDRESS.columns('a')}, v.version, v.text "
    "FROM member m JOIN address a ON a.member_id = m.id "
    "LEFT JOIN policyversion v ON v.version = (SELECT MAX(version) FROM policyversion WHERE in_force_at IS NOT NULL) "
    f"WHERE {BEHIND}"
)


def meet(session: Session, one: str, other: str | None = None) -> None:
    """Read the members at these addresses with the policy in force, and keep all of it for the transaction."""
    session.flush()
    rows = _MEETING.all(session, one=one, other=other or one)
    remember(session, rows)
    if rows:
        versions.remember(session, *rows[0][-2:])
