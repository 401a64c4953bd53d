"""Usage that was read somewhere else, named by e-mail: booked all or nothing, and settled for who has left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, select

from models.ledger import Account, AccountKind, Cause, Kind, organisation, transfer
from models.member import Member
from models.policy import Policy
from models.usage import Reading, book


def ids_by_email(session: Session, emails: Iterable[str]) -> dict[str, int]:
    """Who has these e-mails, also of those who have left: late usage is a fact."""
    wanted = sorted(set(emails))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):  # SQLite takes so many values in one statement
        part = wanted[start : start + 500]
        rows = session.exec(select(Member.email, Member.id).where(col(Member.email).in_(part))).all()
        found |= dict(rows)
    return found


def book_readings(session: Session, readings: Sequence[Reading], *, policy: Policy, cause: Cause) -> int:
    """Book what is new and return the sum (stored units). What a leaver spent late is the organisation's to clear."""
    total = book(session, readings, zone=policy.zone, cause=cause)
    ids = sorted({reading.member_id for reading in readings})
    for start in range(0, len(ids), 500):
        _clear_leavers(session, ids[start : start + 500], cause)
    return total


def _clear_leavers(session: Session, ids: list[int], cause: Cause) -> None:
    query = (
        select(Account.id, Account.balance)
        .join(Member, col(Member.id) == Account.member_id)
        .where(
            col(Member.id).in_(ids),
            col(Member.left_at).is_not(None),
            Account.kind == AccountKind.OVERDRAFT,
            Account.balance < 0,
        )
    )
    for overdraft, balance in session.exec(query).all():
        issued = organisation(session, AccountKind.ISSUED, cause.at)
        transfer(session, Kind.FILL, -balance, source=issued, target=overdraft, cause=cause)
