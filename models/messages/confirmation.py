"""Confirmations: a command said back to its sender, who answers yes or no."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, Session, SQLModel, col, delete

from models.refusal import NothingToConfirm

LASTS = timedelta(minutes=10)


class Confirmation(SQLModel, table=True):
    """One for each member: a newer one replaces it. `command` runs after a yes."""

    __tablename__ = "echo"

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    code: str
    command: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSON, sa_column_kwargs={"name": "said", "nullable": False}
    )
    at: datetime


def keep(session: Session, member_id: int, code: str, command: dict[str, Any], now: datetime) -> None:
    session.merge(Confirmation(member_id=member_id, code=code, command=command, at=now))


def waiting(session: Session, member_id: int, now: datetime, code: str | None = None) -> Confirmation:
    """The open confirmation (with this code). Raises `NothingToConfirm`."""
    found = session.get(Confirmation, member_id)
    if found is None or found.at < now - LASTS or (code and code != found.code):
        raise NothingToConfirm
    return found


def forget_confirmations(session: Session, now: datetime) -> None:
    session.execute(delete(Confirmation).where(col(Confirmation.at) < now - LASTS))


def take(session: Session, member_id: int, now: datetime, code: str | None = None) -> dict[str, Any]:
    """The command of the open confirmation, once. Raises `NothingToConfirm`."""
    found = waiting(session, member_id, now, code)
    command = found.command
    # the deletion decides: of two clicks at once only one finds the row
    deleted = session.execute(
        delete(Confirmation).where(
            col(Confirmation.member_id) == member_id, col(Confirmation.code) == found.code
        )
    )
    if not deleted.rowcount:  # type: ignore[attr-defined]
        raise NothingToConfirm
    return command
