"""Gateway accounts: whose they are, what was read there, what was written, and what ought to stand there.

Readings are micro-USD in the gateway's own window; `booked` is what of them is in the ledger, in stored units. What is
enforced is derived: origin + booked + available. That number does not change when spend is booked, so it is immune to
concurrent use; and a counter that the gateway resets moves into `origin` and mints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from sqlalchemy import BigInteger, Index, func, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.amount import Unit
from models.base import lock_members, ref
from models.ledger import Account, AccountKind, Cause, record
from models.member import Member

MICRO = 1_000_000
CHUNK = 5_000


@dataclass(frozen=True)
class Rate:
    """Stored units per micro-USD, exact. It changes only at an opening."""

    units: Fraction

    @classmethod
    def of(cls, unit: Unit, per_usd: Decimal | None) -> Self:
        """The policy's rate; USD needs none."""
        return cls(Fraction(per_usd if per_usd is not None else 1) * unit.scale / MICRO)

    def booked(self, micro_usd: int) -> int:
        """What so much spend is in stored units: rounded up, it is used."""
        return -(-micro_usd * self.units.numerator // self.units.denominator)

    def enforced(self, units: int) -> int:
        """What may be spent for so many stored units: rounded down, it moves."""
        return units * self.units.denominator // self.units.numerator


class GatewayAccount(SQLModel, table=True):
    """One account at the gateway that belongs to a member; a member may have several keys."""

    __table_args__ = (
        Index(
            "ix_gatewayaccount_trouble",
            "error",
            sqlite_where=text("error IS NOT NULL"),
            postgresql_where=text("error IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    member_id: int = ref("member.id", index=True)
    origin: int = Field(default=0, sa_type=BigInteger)
    booked: int = Field(default=0, sa_type=BigInteger)
    spent: int = Field(default=0, sa_type=BigInteger)
    total: int | None = Field(default=None, sa_type=BigInteger)
    found: int | None = Field(default=None, sa_type=BigInteger)
    written: int | None = Field(default=None, sa_type=BigInteger)
    before: int | None = Field(default=None, sa_type=BigInteger)
    window: str = ""
    suspect: int | None = Field(default=None, sa_type=BigInteger)
    as_of: datetime
    adopted_at: datetime
    error: str | None = None

    @property
    def differs(self) -> bool:
        """What stands there is not what we wrote. A wallet dips while a call is in flight, so one reading proves nothing."""
        return self.written is not None and self.total != self.written

    @property
    def edited(self) -> bool:
        """Two readings agree that somebody else changed the limit: reported, not overwritten."""
        return self.differs and self.before == self.total


@dataclass(frozen=True)
class Reading:
    """What a gateway said of one account: `spent` and `total` in micro-USD, `window` opaque, `as_of` when asked for."""

    id: str
    spent: int
    total: int | None
    window: str
    as_of: datetime
    email: str = ""
    owner: str = ""


def owner_of(session: Session, reading: Reading) -> Member | None:
    """The one active member an account belongs to: by gateway id, e-mail, or the owner of its key; else None."""
    by_id, by_email = col(Member.gateway_id), col(Member.email)
    hints = (
        (by_id, reading.id),
        (by_email, reading.email.lower()),
        (by_id, reading.owner),
        (by_email, reading.owner.lower()),
    )
    for column, value in hints:
        if value:
            query = select(Member).where(column == value, col(Member.left_at).is_(None)).limit(2)
            found = session.exec(query).all()
            if len(found) == 1:
                return found[0]
    return None


def adopt(session: Session, reading: Reading, member: Member) -> GatewayAccount:
    """Take an account over as it is: what was spent before is nobody's debt, the limit found can be put back."""
    row = GatewayAccount(
        id=reading.id, member_id=member.id, origin=reading.spent, spent=reading.spent, total=reading.total, found=reading.total,
        window=reading.window, as_of=reading.as_of, adopted_at=reading.as_of,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def absorb(session: Session, row: GatewayAccount, reading: Reading, rate: Rate, cause: Cause) -> int:
    """Book what was spent since the last reading; returns it in stored units.

    An older reading is ignored. A drop is a reset only when the window changed or a second reading agrees.
    """
    if reading.as_of < row.as_of:
        return 0
    row.before, row.total, row.as_of = row.total, reading.total, reading.as_of
    session.add(row)
    if reading.spent < row.spent and not _is_reset(row, reading):
        row.suspect = reading.spent
        return 0
    if reading.spent < row.spent or (reading.window != row.window and reading.spent == 0):
        row.origin, row.booked = 0, 0
    row.spent, row.window, row.suspect = reading.spent, reading.window, None
    new = rate.booked(row.spent - row.origin) - row.booked
    if new > 0:
        lock_members(session, [row.member_id])
        record(session, row.member_id, new, cause=cause)
        row.booked += new
    return max(new, 0)


def _is_reset(row: GatewayAccount, reading: Reading) -> bool:
    return reading.window != row.window or (row.suspect is not None and reading.spent >= row.suspect)


def wanted(session: Session, rows: list[GatewayAccount], rate: Rate) -> dict[str, int]:
    """What ought to stand at the gateway for each account, in micro-USD, never below zero.

    A paused member's limit is what was spent, and so is that of one who has left.
    """
    found: dict[str, int] = {}
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        ids = {row.member_id for row in part}
        held = dict(session.exec(_available(ids)).all())
        stopped = set(session.exec(select(Member.id).where(col(Member.id).in_(ids), _stopped())).all())
        for row in part:
            available = int(held.get(row.member_id, 0))
            available = min(available, 0) if row.member_id in stopped else available
            found[row.id] = max(0, row.origin + rate.enforced(row.booked + available))
    return found


def _available(ids: set[int]) -> Any:
    own = (AccountKind.ALLOCATION, AccountKind.TOP_UP, AccountKind.LOAN, AccountKind.OVERDRAFT)
    query = select(Account.member_id, func.sum(col(Account.balance)))
    return query.where(col(Account.member_id).in_(ids), col(Account.kind).in_(own)).group_by(
        col(Account.member_id)
    )


def _stopped() -> Any:
    return col(Member.paused_at).is_not(None) | col(Member.left_at).is_not(None)


def rows_of(session: Session, member_id: int) -> list[GatewayAccount]:
    return list(session.exec(select(GatewayAccount).where(GatewayAccount.member_id == member_id)).all())


def change_rate(session: Session, rate: Rate) -> None:
    """At an opening: what comes from now on is booked at the new rate, what was booked stays as it was."""
    for row in session.exec(select(GatewayAccount)).all():
        row.origin, row.booked = row.spent, 0
        session.add(row)
    assert rate.units > 0


def touched_since(session: Session, entry_id: int) -> tuple[list[int], int]:
    """Members whose balances changed after that entry, and the newest entry: the ledger itself is the list of changes."""
    connection = session.connection()
    rows = connection.execute(
        text("SELECT DISTINCT member_id FROM entry WHERE id > :after AND member_id IS NOT NULL"),
        {"after": entry_id},
    )
    members = [int(row.member_id) for row in rows]
    newest = connection.execute(text("SELECT COALESCE(MAX(id), 0) FROM entry")).scalar_one()
    return members, int(newest)
