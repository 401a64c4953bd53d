"""Periods: one is open at a time; while it closes and the next one opens, that next one is `turning`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import BigInteger, CheckConstraint, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import Loader, id_field, partial_index
from models.people.member import hold, lock_members
from models.policy.calendar import Span
from models.refusal import NoPolicyYet, PeriodClosing
from models.statement import Statement, is_postgres

CHUNK = 5_000
"""People a transaction, in a job over everybody: nobody should wait long for a row that it holds."""


class PeriodState(StrEnum):
    """A period is turning while the one before is closed, then open, and at last closed."""

    TURNING = "turning"
    OPEN = "open"
    CLOSED = "closed"


_NEXT = {PeriodState.TURNING: PeriodState.OPEN, PeriodState.OPEN: PeriodState.CLOSED}


class Period(SQLModel, table=True):
    """The current period is the open one, whatever the clock says."""

    __table_args__ = (
        CheckConstraint("state IN ('open', 'turning', 'closed')", name="state"),
        CheckConstraint("ends_at > starts_at", name="lasts"),
        partial_index(
            "uq_period_current",
            text("(1)"),
            unique=True,
            where="state <> 'closed'",
        ),
    )

    id: int = id_field()
    starts_at: datetime = Field(unique=True)
    ends_at: datetime
    state: str = PeriodState.TURNING
    step: int = 0
    cursor: int = Field(default=0, sa_type=BigInteger)
    policy: int | None = None
    told: int | None = Field(default=0, sa_type=BigInteger)
    """Up to which member id people were told what its opening did; None: nobody is left to tell."""
    told_unused: int | None = Field(default=0, sa_type=BigInteger)
    """The same for those who were told what will expire when it ends."""

    @classmethod
    def current(cls, session: Session) -> Period:
        """The open period; it cannot close before this transaction ends. Raises `NoPolicyYet`, `PeriodClosing`."""
        return _open(cls.held(session))

    @classmethod
    def held(cls, session: Session) -> Period | None:
        """The open or turning period; its next step waits for the end of this transaction."""
        if (known := _known(session)) is not None:
            return known
        # Asked twice: a transaction that waited while the period closed sees the next one in a newer snapshot only.
        session.flush()
        row = _HELD.first(session) or _HELD.first(session)
        return _PERIOD.load(session, row, fresh=True) if row else None

    @classmethod
    def hold(cls, session: Session, ids: Iterable[int]) -> tuple[Period, set[int]]:
        """`current`, and lock these members' quota as well. Returns those who left while it waited, too.

        Raises `NoPolicyYet`, `PeriodClosing`.
        """
        if not is_postgres(session):
            return _keep(session, cls.current(session)), set()
        session.flush()
        wanted = sorted(set(ids))
        hold(session, wanted)
        rows = _HOLD.all(session, ids=wanted)
        width = _PERIOD.width
        if not rows or rows[0][0] is None:
            # It waited while the period closed. Members are locked now, so it must not wait for the period once more.
            _open(cls.latest(session))
            return _keep(session, cls.current(session)), lock_members(session, wanted)
        return _keep(session, _open(_PERIOD.load(session, rows[0][:width], fresh=True))), {
            number for number, left_at in (row[width:] for row in rows) if left_at is not None
        }

    @classmethod
    def latest(cls, session: Session) -> Period | None:
        """The open or turning period, without a lock; None before the first policy."""
        if (known := _known(session)) is not None:
            return known
        session.flush()
        row = _LATEST.first(session)
        return _PERIOD.load(session, row) if row else None

    @classmethod
    def to_tell(cls, session: Session) -> Self | None:
        """The oldest period that is open or was, and of whose opening people are still to be told."""
        untold = select(cls).where(col(cls.told).is_not(None), cls.state != PeriodState.TURNING)
        return session.exec(untold.order_by(col(cls.starts_at)).limit(1).with_for_update()).one_or_none()

    def mark_told(self, session: Session, upto: int | None) -> None:
        self.told = upto
        session.add(self)

    @classmethod
    def to_warn(cls, session: Session, ends_by: datetime) -> Self | None:
        """The open period, when it ends by then and people are still to be told what will expire."""
        ending = cls.state == PeriodState.OPEN, col(cls.ends_at) <= ends_by, col(cls.told_unused).is_not(None)
        return session.exec(select(cls).where(*ending).with_for_update()).one_or_none()

    def mark_warned(self, session: Session, upto: int | None) -> None:
        self.told_unused = upto
        session.add(self)

    def become(self, state: PeriodState) -> None:
        if _NEXT.get(PeriodState(self.state)) is not state:
            raise ValueError(f"a period that is {self.state} does not become {state}")
        self.state = state

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


def _keep(session: Session, period: Period) -> Period:
    # Held: nobody else changes it before this transaction ends.
    session.info["period"] = period
    return period


def _known(session: Session) -> Period | None:
    known: Period | None = session.info.get("period")
    return known if known is not None and known.state == PeriodState.OPEN else None


def _open(found: Period | None) -> Period:
    if found is None:
        raise NoPolicyYet
    if found.state != PeriodState.OPEN:
        raise PeriodClosing
    return found


_PERIOD = Loader(Period)
_LATEST: Statement[Any] = Statement(f"SELECT {_PERIOD.columns('p')} FROM period p WHERE p.state <> 'closed'")
_HELD: Statement[Any] = Statement(
    f"SELECT {_PERIOD.columns('p')} FROM period p WHERE p.state <> 'closed'\nFOR SHARE -- postgres\n"
)
# The period first, as a close locks them; then the members, in the order of `lock_members`.
_HOLD: Statement[Any] = Statement(
    f"WITH p AS MATERIALIZED (SELECT * FROM period WHERE state <> 'closed' FOR SHARE) "
    f"SELECT {_PERIOD.columns('p')}, m.id, m.left_at FROM member m LEFT JOIN p ON TRUE "
    "WHERE m.id = ANY(:ids) ORDER BY m.id FOR NO KEY UPDATE OF m"
)
