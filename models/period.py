"""Periods, what policy gives whom in them, and the pools of teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, Session, SQLModel, select

from models.base import id_field
from models.calendar import Span
from models.ledger import (
    Account,
    AccountKind,
    Cause,
    Kind,
    account_of,
    open_account,
    organisation,
    transfer,
)
from models.policy import Policy
from models.refusal import NoPolicyYet, PeriodClosing
from models.sql import Statement, moment
from models.wallet import HELD, Wallet

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


class Allowance(SQLModel, table=True):
    """What policy gives one member in one period. `base`: the whole amount (pro rata for a joiner);
    `posted`: what was posted of it; `filled`: what of it went into an old overdraft; `used_before`: lifetime use till then."""

    __table_args__ = (CheckConstraint("base >= 0", name="base"),)

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    period_id: int = Field(primary_key=True, foreign_key="period.id", sa_type=BigInteger, index=True)
    base: int = Field(sa_type=BigInteger)
    posted: int = Field(default=0, sa_type=BigInteger)
    filled: int = Field(default=0, sa_type=BigInteger)
    used_before: int = Field(default=0, sa_type=BigInteger)
    since: datetime
    rule: int = 0


@dataclass(frozen=True)
class Standing:
    """How somebody stands in the open or turning period: what they have, what policy gives, what they used of it.

    `since`: from when on policy gives them something in it.
    """

    member_id: int
    period_id: int
    span: Span
    has: Wallet
    base: int
    used: int
    since: datetime | None

    @classmethod
    def of(cls, session: Session, member_id: int) -> Self:
        """Raises `NoPolicyYet`."""
        return cls.of_two(session, member_id, member_id)[0]

    @classmethod
    def of_two(cls, session: Session, one: int, other: int) -> tuple[Self, Self]:
        """Both of them at one moment. Raises `NoPolicyYet`."""
        found = {row[0]: cls._read(*row) for row in _STANDING.all(session, one=one, other=other)}
        if not found:
            raise NoPolicyYet
        return found[one], found[other]

    @classmethod
    def _read(
        cls, member_id: int, period_id: int, start: Any, end: Any,
        base: int | None, used_before: int | None, since: Any, *held: int,
    ) -> Self:  # fmt: skip
        has, span = Wallet(*map(int, held)), Span(moment(start), moment(end))
        used = has.used - (used_before or 0)
        return cls(member_id, period_id, span, has, base or 0, used, moment(since) if since else None)


_STANDING = Statement(
    f"SELECT m.id, p.id, p.starts_at, p.ends_at, w.base, w.used_before, w.since, {HELD} FROM member m "
    "JOIN period p ON p.state <> 'closed' LEFT JOIN allowance w ON w.member_id = m.id AND w.period_id = p.id "
    "LEFT JOIN account a ON a.member_id = m.id WHERE m.id IN (:one, :other) GROUP BY m.id, p.id, w.member_id, w.period_id"
)


def allowance_of(session: Session, member_id: int, period_id: int) -> Allowance | None:
    return session.get(Allowance, (member_id, period_id))


def base_of(session: Session, member_id: int, period_id: int) -> int:
    found = allowance_of(session, member_id, period_id)
    return found.base if found else 0


# --- pools, and what is taken back -------------------------------------------------------------------------------------


def take_allocation(session: Session, member_id: int, amount: int, issued: int, cause: Cause) -> int:
    """Take back at most `amount` of somebody's allocation and return how much there was to take."""
    allocation = account_of(session, AccountKind.ALLOCATION, member_id, cause.at)
    held = session.exec(select(Account.balance).where(Account.id == allocation)).one()
    taken = min(held, amount)
    if taken > 0:
        transfer(session, Kind.CUT, taken, source=allocation, target=issued, cause=cause)
    return taken


def fit_pools(session: Session, period: Period, policy: Policy, cause: Cause) -> None:
    """Bring each team's pool of this period to its budget; a smaller budget takes back at most what is left of it."""
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    for team in policy.teams:
        if team.top_up_budget is None:
            continue
        pool = pool_of(session, team.name, period.id)
        number = (
            pool.id
            if pool
            else open_account(session, AccountKind.POOL, cause.at, team=team.name, period_id=period.id)
        )
        missing = team.top_up_budget - (funded(session, number) if pool else 0)
        if missing > 0:
            transfer(session, Kind.FUND, missing, source=issued, target=number, cause=cause)
        elif pool is not None and min(-missing, pool.balance) > 0:
            transfer(
                session, Kind.CUT, min(-missing, pool.balance), source=number, target=issued, cause=cause
            )


def pool_of(session: Session, team: str, period_id: int) -> Account | None:
    return session.exec(
        select(Account).where(Account.team == team, Account.period_id == period_id)
    ).one_or_none()


def funded(session: Session, pool_id: int) -> int:
    """What policy put into a pool, less what it took back."""
    return int(session.connection().execute(_FUNDED, {"pool": pool_id}).scalar_one())


# the conditions of the partial indexes stand here word for word: SQLite uses them only then
_FUNDED = text(
    "SELECT COALESCE((SELECT SUM(amount) FROM transfer WHERE kind = 'fund' AND target_id = :pool), 0) "
    "- COALESCE((SELECT SUM(amount) FROM transfer WHERE kind = 'cut' AND source_id = :pool), 0)"
)
