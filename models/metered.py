"""Usage that was read somewhere else names people by e-mail."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from models.member import Member


def ids_by_email(session: Session, emails: Iterable[str]) -> dict[str, int]:
    """Who has these e-mails, also of those who have left: late usage is a fact."""
    wanted = sorted(set(emails))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):  # SQLite takes so many values in one statement
        part = wanted[start : start + 500]
        rows = session.exec(select(Member.email, Member.id).where(col(Member.email).in_(part))).all()
        found |= dict(rows)
    return found
