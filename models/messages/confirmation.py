"""The last thing said back to somebody, waiting for their yes: what a sentence would do, or a command said twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, Session, SQLModel, col, delete

from models.refusal import NothingToConfirm

LASTS = timedelta(minutes=10)


class Confirmation(SQLModel, table=True):
    """One a person: a newer one replaces it. `said` is the command as understood."""

    __tablename__ = "echo"

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    code: str
    said: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    at: datetime


def keep(session: Session, member_id: int, code: str, said: dict[str, Any], now: datetime) -> None:
    session.merge(Confirmation(member_id=member_id, code=code, said=said, at=now))


def take(session: Session, member_id: int, now: datetime, code: str | None = None) -> dict[str, Any]:
    """What was said back (with this code), once; or raise `NothingToConfirm`.

    The deletion decides: of two clicks at once only one finds the row.
    """
    found = session.get(Confirmation, member_id)
    if found is None or found.at < now - LASTS or (code and code != found.code):
        raise NothingToConfirm
    said = found.said
    gone = session.execute(
        delete(Confirmation).where(
            col(Confirmation.member_id) == member_id, col(Confirmation.code) == found.code
        )
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NothingToConfirm
    return said
