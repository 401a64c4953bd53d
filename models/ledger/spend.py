"""Spend that a gateway metered: which accounts it takes, in which order (sql/spend.sql).

`record` books one amount, `record_all` a query of them; both give the same books.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from sqlmodel import Session

from models.ledger.account import Account, AccountKind, account_of
from models.ledger.transfer import Cause, Kind, number_moves, post_moves, transfer
from models.statement import SqlFile, Statement

SQL = SqlFile("models.ledger", "sql/spend.sql")


class Held(NamedTuple):
    account_id: int
    balance: int
    loan_id: int | None


_HELD = Statement(SQL.text("held"), row=Held)
_OPEN_ACCOUNTS = Statement(SQL.text("open_accounts"))
_NAME_ACCOUNTS = Statement(SQL.text("name_accounts"))


def record(session: Session, member_id: int, amount: int, *, cause: Cause) -> int:
    """Book `amount` that was spent already. Never refused: spend beyond the quota becomes overdraft; returns that part."""
    if amount <= 0:
        return 0
    used = account_of(session, AccountKind.USED, member_id, cause.at)
    session.flush()
    for held in _HELD.all(session, member=member_id):
        part = min(amount, held.balance)
        transfer(
            session, Kind.USE, part, source=held.account_id, target=used, cause=cause, loan_id=held.loan_id
        )
        amount -= part
        if not amount:
            return 0
    overdraft = account_of(session, AccountKind.OVERDRAFT, member_id, cause.at)
    transfer(session, Kind.USE, amount, source=overdraft, target=used, cause=cause)
    return amount


def void(session: Session, member_id: int, amount: int, *, cause: Cause) -> None:
    """Take back spend that never happened: the overdraft is filled first, the rest is own quota. Never more than was used.

    A loan keeps what it was booked: the borrower has the quota to repay it.
    """
    used, left = account_of(session, AccountKind.USED, member_id, cause.at), amount
    for kind in (AccountKind.OVERDRAFT, AccountKind.ALLOCATION):
        target = account_of(session, kind, member_id, cause.at)
        debt = -session.get_one(Account, target, populate_existing=True).balance
        part = min(left, debt) if kind is AccountKind.OVERDRAFT else left
        if part:
            transfer(session, Kind.VOID, part, source=used, target=target, cause=cause)
            left -= part


def record_all(session: Session, spends: str, cause: Cause) -> None:
    """Book each row (member_id, amount, at, reason, since) of the query `spends`, by member and `since`.

    Amounts are positive. `since`: the sum of the rows of the member that come before. The members are locked.
    """
    number_moves(session, _moves(spends), own="m.at, m.reason, m.member_id")
    if _OPEN_ACCOUNTS.changed(session, at=cause.at):
        _NAME_ACCOUNTS.changed(session)
    post_moves(session, cause, held=True)


@cache
def _moves(spends: str) -> str:
    return SQL.text("moves", spends=spends)
