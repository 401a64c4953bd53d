"""The record of backups: when the last one was made, of what."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from models.quota.chain import head


class Backup(SQLModel, table=True):
    """One run of `quotabot backup`. `hash`: the chain's last hash then."""

    at: datetime = Field(primary_key=True)
    actor: str
    hash: str = ""


def record_backup(session: Session, now: datetime, actor: str) -> None:
    sealed = head(session)
    session.add(Backup(at=now, actor=actor, hash=sealed.hash if sealed else ""))


def last_backup(session: Session) -> datetime | None:
    return session.exec(select(Backup.at).order_by(col(Backup.at).desc()).limit(1)).first()
