"""A member's account statement: what came in and went out, with the other party of a loan."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from models.statement import Statement


class Line(NamedTuple):
    """`amount`: below zero it went out. `account`: its kind; `balance`: that account's after it.

    `taken`: the member borrows; `other`: the other party's name, where a loan is moved.
    """

    id: int
    at: datetime
    kind: str
    amount: int
    account: str
    balance: int
    reason: str
    taken: bool
    other: str | None


def page(session: Session, member_id: int, *, before: int = 0, limit: int = 10) -> list[Line]:
    """A page, newest first. `before`: the id of the last line seen; one that is not the member's is no such line."""
    if before and (last := _LAST.first(session, member=member_id, id=before)) is not None:
        return _OLDER.all(session, member=member_id, at=last.at, id=before, limit=limit)
    return _NEWEST.all(session, member=member_id, limit=limit)


class _Last(NamedTuple):
    at: datetime


_PAGE = (
    "SELECT e.id, e.at, t.kind, e.amount, a.kind, e.balance_after, t.reason, "
    "CASE WHEN l.borrower_id = e.member_id THEN 1 ELSE 0 END, o.name "
    "FROM entry e JOIN transfer t ON t.id = e.transfer_id JOIN account a ON a.id = e.account_id "
    "LEFT JOIN loan l ON l.id = t.loan_id LEFT JOIN member o ON o.id = "
    "CASE WHEN l.borrower_id = e.member_id THEN l.lender_id ELSE l.borrower_id END "
    "WHERE e.member_id = :member AND a.kind <> 'used'"
)
_ORDER = "ORDER BY e.at DESC, e.id DESC LIMIT :limit"
_NEWEST = Statement(f"{_PAGE} {_ORDER}", row=Line)
_OLDER = Statement(f"{_PAGE} AND (e.at < :at OR (e.at = :at AND e.id < :id)) {_ORDER}", row=Line)
_LAST = Statement("SELECT at FROM entry WHERE id = :id AND member_id = :member", row=_Last)
