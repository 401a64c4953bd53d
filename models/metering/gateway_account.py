"""Gateway accounts: whose they are, what was read there, what was written, and what ought to stand there.

Readings are micro-USD in the gateway's own window; `booked` is what of them is in the ledger, in stored units. What is
enforced is derived: origin + booked + available. That number does not change when spend is booked, so it is immune to
concurrent use; and a counter that the gateway sets back moves into `origin` and mints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, func, text
from sqlmodel import Field, Session, SQLModel, col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from models.db import is_postgres, ref
from models.ledger.account import Account, AccountKind, organisation
from models.ledger.transfer import Cause, Kind, record, transfer
from models.metering.reading import Rate, Reading
from models.people.member import Member, lock_members

CHUNK = 5_000


class GatewayAccount(SQLModel, table=True):
    """One account at the gateway that belongs to a member; a member may have several keys.

    `found`: the limit before our first write. `written`: what we read back last. `meant`: what we tried to write since, so
    that a lost reply is not taken for somebody else's hand, and what of such a hand an admin wants written over. `held`: what calls in flight held back during the last write.
    `due`: to be looked at now. `gone`: the gateway does not know it any more; it may come back.
    """

    __table_args__ = (
        Index(
            "ix_gatewayaccount_due",
            "due",
            sqlite_where=text("due"),
            postgresql_where=text("due"),
        ),
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
    meant: list[int | None] = Field(default_factory=list, sa_type=JSON)
    held: int = Field(default=0, sa_type=BigInteger)
    spent_at: datetime | None = None
    due: bool = False
    gone: bool = False

    @property
    def differs(self) -> bool:
        """What stands there is not our doing. A wallet dips while a call is in flight, so one reading proves nothing."""
        if self.written is None or self.total == self.written or self.total in self.meant:
            return False
        return self.total is None or not 0 < self.total - self.written <= self.held

    @property
    def edited(self) -> bool:
        """Two readings agree that somebody else changed the limit: reported, not overwritten."""
        return self.differs and self.before == self.total


def owners_of(session: Session, readings: Iterable[Reading]) -> dict[str, Member]:
    """The one active member each account belongs to: by gateway id, e-mail, or the owner of its key. Nobody's are missing."""
    hints = {one.id: _hints(one) for one in readings}
    called = _members_called(session, {hint for several in hints.values() for hint in several})
    found: dict[str, Member] = {}
    for account, several in hints.items():
        only = next((called[hint][0] for hint in several if len(called[hint]) == 1), None)
        if only is not None:
            found[account] = only
    return found


def _hints(reading: Reading) -> list[tuple[str, str]]:
    """A column of people.csv and what stands there if it is theirs, the surest first."""
    names = (reading.id, reading.email.lower(), reading.owner, reading.owner.lower())
    return [hint for hint in zip(("gateway_id", "email") * 2, names, strict=True) if hint[1]]


def _members_called(
    session: Session, hints: set[tuple[str, str]]
) -> defaultdict[tuple[str, str], list[Member]]:
    found: defaultdict[tuple[str, str], list[Member]] = defaultdict(list)
    for name, column in (("gateway_id", col(Member.gateway_id)), ("email", col(Member.email))):
        values = sorted(value for of, value in hints if of == name)
        for start in range(0, len(values), 500):  # SQLite takes so many values in one statement
            some = select(Member).where(
                column.in_(values[start : start + 500]), col(Member.left_at).is_(None)
            )
            for member in session.exec(some).all():
                found[name, getattr(member, name)].append(member)
    return found


def adopt(session: Session, reading: Reading, member: Member) -> GatewayAccount:
    """Take an account over as it is: what was spent before is nobody's debt, the limit found can be put back."""
    row = GatewayAccount(
        id=reading.id, member_id=member.id, origin=reading.spent, spent=reading.spent, total=reading.total, found=reading.total,
        window=reading.window, as_of=reading.as_of, adopted_at=reading.as_of,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def hand_over(row: GatewayAccount, member: Member) -> None:
    """It is somebody else's from now on: what was spent till now stays with whom it was booked to."""
    row.member_id, row.origin, row.booked, row.due = member.id, row.spent, 0, True


def absorb(session: Session, row: GatewayAccount, reading: Reading, rate: Rate, cause: Cause) -> int:
    """Book what was spent since the last reading; returns it in stored units. An older reading is ignored."""
    if reading.as_of < row.as_of:
        return 0
    row.before, row.total, row.as_of, row.gone = row.total, reading.total, reading.as_of, False
    if row.written is None and not row.meant:
        row.found = reading.total
    session.add(row)
    if not _counts(row, reading):
        return 0
    if reading.spent > row.spent:
        row.spent_at = reading.as_of
    row.spent, row.window, row.suspect = reading.spent, reading.window, None
    new = rate.booked(row.spent - row.origin) - row.booked
    if new > 0:
        lock_members(session, [row.member_id])
        record(session, row.member_id, new, cause=cause)
        _clear_leaver(session, row.member_id, cause)
        row.booked += new
    return max(new, 0)


def _counts(row: GatewayAccount, reading: Reading) -> bool:
    """Tell resets from late readings, and move them out of the way; False when this reading's `spent` proves nothing yet.

    A drop is a reset when the window changed; then it counts from nought. Else it is one when a second reading agrees; as
    nobody knows what it counts from, only what is spent from there on is booked. A refund is spent again before more is booked.
    """
    dropped = reading.spent < row.spent
    if (dropped and reading.window != row.window) or _is_over(row.window, reading):
        row.origin, row.booked = 0, 0
    elif dropped and reading.unsure:
        return False
    elif dropped and not reading.refunds:
        if row.suspect is None or reading.spent < row.suspect:
            row.suspect = reading.spent
            return False
        row.origin += row.suspect - row.spent
    return True


def _is_over(window: str, reading: Reading) -> bool:
    """Whether a window that is named by its end has ended and given way to another."""
    if reading.window == window or not reading.window:
        return False
    try:
        return datetime.fromisoformat(window) <= reading.as_of
    except (TypeError, ValueError):
        return False


def _clear_leaver(session: Session, member_id: int, cause: Cause) -> None:
    """What somebody who has left spends late is the organisation's to clear."""
    query = select(Account).where(
        Account.member_id == member_id, Account.kind == AccountKind.OVERDRAFT, Account.balance < 0
    )
    left = session.exec(select(Member.left_at).where(Member.id == member_id)).one() is not None
    for overdraft in session.exec(query).all() if left else ():
        session.refresh(overdraft)
        issued = organisation(session, AccountKind.ISSUED, cause.at)
        transfer(session, Kind.FILL, -overdraft.balance, source=issued, target=overdraft.id, cause=cause)


def wanted(session: Session, rows: list[GatewayAccount], rate: Rate) -> dict[str, int]:
    """What ought to stand at the gateway for each account, in micro-USD, never below zero.

    A paused member's limit is just below what was spent, as that is rounded up, and so is that of one who has left.
    """
    found: dict[str, int] = {}
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        ids = {row.member_id for row in part}
        held = dict(session.exec(_available(ids)).all())
        stopped = set(session.exec(select(Member.id).where(col(Member.id).in_(ids), _stopped())).all())
        for row in part:
            available, below = int(held.get(row.member_id, 0)), 0
            if row.member_id in stopped:
                available, below = min(available, 0), 1
            found[row.id] = max(0, row.origin + rate.enforced(row.booked + available) - below)
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
    """Somebody's accounts that are still there."""
    return rows_of_members(session, {member_id})


def rows_of_members(session: Session, members: Iterable[int]) -> list[GatewayAccount]:
    """The accounts of these people that are still there."""
    ids, rows = sorted(members), list[GatewayAccount]()
    for start in range(0, len(ids), 500):  # SQLite takes so many values in one statement
        mine = col(GatewayAccount.member_id).in_(ids[start : start + 500])
        query = select(GatewayAccount).where(mine, col(GatewayAccount.gone).is_(False))
        rows += session.exec(query.order_by(GatewayAccount.id)).all()
    return rows


def linked() -> SelectOfScalar[int]:
    """Members whom an account belongs to that is still there."""
    return select(GatewayAccount.member_id).where(col(GatewayAccount.gone).is_(False))


def rows_by_id(session: Session, ids: Iterable[str]) -> dict[str, GatewayAccount]:
    return _rows(session, select(GatewayAccount), ids)


def rows_to_book(session: Session, page: Sequence[Reading]) -> dict[str, GatewayAccount]:
    """A page's rows, ours till the transaction ends: of several who read the same spend at once, one books it.

    Members before rows, as everybody does, so that two wait for each other in one direction only.
    """
    found = rows_by_id(session, (one.id for one in page))
    if not is_postgres(session):
        return found
    spent = {one.id: one.spent for one in page}
    lock_members(session, {row.member_id for row in found.values() if row.spent != spent[row.id]})
    mine = select(GatewayAccount).order_by(col(GatewayAccount.id)).with_for_update()
    return _rows(session, mine.execution_options(populate_existing=True), spent)


def _rows(
    session: Session, query: SelectOfScalar[GatewayAccount], ids: Iterable[str]
) -> dict[str, GatewayAccount]:
    wanted, found = sorted(set(ids)), dict[str, GatewayAccount]()
    for start in range(0, len(wanted), 500):  # SQLite takes so many values in one statement
        part = query.where(col(GatewayAccount.id).in_(wanted[start : start + 500]))
        found |= {row.id: row for row in session.exec(part).all()}
    return found


def look_again(session: Session, member_id: int) -> None:
    """Something changed that the ledger does not show: a pause, an owner, an admin's word."""
    query = update(GatewayAccount).where(col(GatewayAccount.member_id) == member_id)
    session.execute(query.values(due=True).execution_options(synchronize_session=False))


def unlinked(session: Session) -> list[Member]:
    """Colleagues whom no account at the gateway belongs to."""
    query = select(Member).where(col(Member.left_at).is_(None), col(Member.id).not_in(linked()))
    return list(session.exec(query.order_by(Member.email)).all())


def edited(session: Session) -> list[GatewayAccount]:
    """Limits that somebody changed by hand."""
    query = select(GatewayAccount).where(
        col(GatewayAccount.written).is_not(None),
        col(GatewayAccount.total).is_distinct_from(col(GatewayAccount.written)),
    )
    return [row for row in session.exec(query.order_by(GatewayAccount.id)).all() if row.edited]


def change_rate(session: Session) -> None:
    """At an opening: what comes from now on is booked at the new rate, what was booked stays as it was."""
    session.execute(update(GatewayAccount).values(origin=GatewayAccount.spent, booked=0))
    session.expire_all()


_DECIDED = text(
    "SELECT DISTINCT e.member_id FROM entry e JOIN transfer t ON t.id = e.transfer_id "
    "WHERE e.id > :after AND e.member_id IS NOT NULL AND t.actor NOT IN ('policy', 'gateway', 'clock')"
)


def decided_since(session: Session, entry_id: int) -> tuple[set[int], int]:
    """Members about whom somebody decided after that entry, and the newest entry: the ledger itself is the list of changes."""
    newest = newest_entry(session)
    if newest <= entry_id:
        return set(), newest
    rows = session.connection().execute(_DECIDED, {"after": entry_id})
    return {int(row.member_id) for row in rows}, newest


def newest_entry(session: Session) -> int:
    return int(session.connection().execute(text("SELECT COALESCE(MAX(id), 0) FROM entry")).scalar_one())
