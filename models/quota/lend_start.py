"""Where a lend begins: the lender's allocation, and the open loan that more is added to or a new one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from models.db import Statement
from models.ledger.account import AccountKind, open_account


class FoundLoan(NamedTuple):
    id: int
    account_id: int
    asked: bool
    ends_at: datetime | None


class LendStart(NamedTuple):
    """`source_id`: the lender's allocation; the rest is the open loan in this period, if there is one."""

    source_id: int
    id: int | None
    account_id: int | None
    asked: bool | None
    ends_at: datetime | None

    @property
    def loan(self) -> FoundLoan | None:
        if self.id is None or self.account_id is None:
            return None
        return FoundLoan(self.id, self.account_id, bool(self.asked), self.ends_at)


def lend_start(session: Session, *, lender_id: int, borrower_id: int, period_id: int) -> LendStart:
    """Only for a lender with an allocation."""
    return _START.one(session, lender=lender_id, borrower=borrower_id, period=period_id)


_START = Statement(
    "SELECT a.id, l.id, l.account_id, l.asked, l.ends_at FROM account a LEFT JOIN loan l ON l.lender_id = a.member_id "
    "AND l.borrower_id = :borrower AND l.period_id = :period AND l.closed_at IS NULL "
    "WHERE a.member_id = :lender AND a.kind = 'allocation'",
    row=LendStart,
)


def open_loan(
    session: Session, at: datetime, *, lender_id: int, borrower_id: int, period_id: int, asked: bool,
    ends_at: datetime | None,
) -> FoundLoan:  # fmt: skip
    account = open_account(session, AccountKind.LOAN, at, member_id=borrower_id)
    number = _OPEN.one(
        session, lender=lender_id, borrower=borrower_id, period=period_id, account=account, at=at, asked=asked,
        ends_at=ends_at,
    )  # fmt: skip
    return FoundLoan(number, account, asked, ends_at)


_OPEN = Statement(
    "INSERT INTO loan (lender_id, borrower_id, period_id, account_id, forgiven, made_at, asked, ends_at) "
    "VALUES (:lender, :borrower, :period, :account, 0, :at, :asked, :ends_at) RETURNING id",
    row=int,
)
