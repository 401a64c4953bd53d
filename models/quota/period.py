"""Periods, what policy gives whom in them, and the pools of teams."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, Session, SQLModel, select

from models.db import id_field
from models.policy.calendar import Span
from models.refusal import NoPolicyYet, PeriodClosing

CHUNK = 5_000
"""People a transaction of a job over everybody: small enough that nobody waits long for a row it holds."""

OPEN, TURNING, CLOSED = "open", "turning", "closed"


class Period(SQLModel, table=True):
    """The current one is the open one, not the clock's. While `turning`, its predecessor closes and it opens."""

    __table_args__ = (
        CheckConstraint("state IN ('open', 'turning', 'closed')", name="state"),
        CheckConstraint("ends_at > starts_at", name="lasts"),
        Index(
            "uq_period_current",
            text("(1)"),
            unique=True,
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
    )

    id: int = id_field()
    starts_at: datetime = Field(unique=True)
    ends_at: datetime
    state: str = TURNING
    step: int = 0
    cursor: int = Field(default=0, sa_type=BigInteger)
    policy: int | None = None

    @classmethod
    def current(cls, session: Session) -> Period:
        """The open period, held against closing till the end of this transaction; or raise why there is none."""
        found = cls.held(session)
        if found is None:
            raise NoPolicyYet
        if found.state != OPEN:
            raise PeriodClosing
        return found

    @classmethod
    def held(cls, session: Session) -> Period | None:
        """The open or turning period, held against its next step till the end of this transaction."""
        # Whoever waited for a period that was closed meanwhile finds nothing: the next one is only in a newer snapshot.
        return session.exec(_HELD).one_or_none() or session.exec(_HELD).one_or_none()

    @classmethod
    def latest(cls, session: Session) -> Self | None:
        """The open or turning period, whichever it is; None before the first policy."""
        return session.exec(select(cls).where(cls.state != CLOSED)).one_or_none()

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


_HELD = select(Period).where(Period.state != CLOSED).with_for_update(read=True)


# --- pools, and what is taken back -------------------------------------------------------------------------------------
