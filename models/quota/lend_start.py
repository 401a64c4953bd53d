"""Where a lend begins: what both have, the lender's allocation, and the open loan that more is added to or a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Self

from sqlmodel import Session

from models.ledger.account import AccountKind, open_account
from models.quota.status import GROUPED, MEMBERS, STATUS, QuotaStatus, StatusRow
from models.refusal import NoPolicyYet
from models.statement import SqlFile, Statement, is_postgres, row_reader


class FoundLoan(NamedTuple):
    id: int
    account_id: int
    asked: bool
    ends_at: datetime | None


class _Rest(NamedTuple):
    allocation_id: int | None
    id: int | None
    account_id: int | None
    asked: bool | None
    ends_at: datetime | None
    has_request: bool


class LendStart(NamedTuple):
    """`source_id`: the lender's allocation. `loan`: the open one in this period. `requests`: the borrower has an open request."""

    gives: QuotaStatus
    gets: QuotaStatus
    source_id: int
    loan: FoundLoan | None
    requests: bool

    @classmethod
    def of(cls, session: Session, *, lender_id: int, borrower_id: int) -> Self:
        """After both were locked. Raises `NoPolicyYet`."""
        session.flush()
        rows = {row[0]: row for row in _START.all(session, one=lender_id, other=borrower_id)}
        if not rows:
            raise NoPolicyYet
        one, other = rows[lender_id], rows[borrower_id]
        gives, gets = (QuotaStatus.from_row(_read_status(row[:_WIDTH])) for row in (one, other))
        mine, theirs = _read_rest(one[_WIDTH:]), _read_rest(other[_WIDTH:])
        loan = FoundLoan(mine.id, mine.account_id, bool(mine.asked), mine.ends_at) if mine.id else None
        # What is lendable stands on an allocation: without one the amount is refused before it is used.
        return cls(gives, gets, mine.allocation_id or 0, loan, bool(theirs.has_request))


_SQL = SqlFile("models.quota", "sql/lend.sql")
_START: Statement[Any] = Statement(_SQL.text("start", status=STATUS, members=MEMBERS, grouped=GROUPED))
_WIDTH = len(StatusRow._fields)
_read_status, _read_rest = row_reader(StatusRow), row_reader(_Rest)


class _Made(NamedTuple):
    id: int
    account_id: int


def open_loan(
    session: Session, at: datetime, *, lender_id: int, borrower_id: int, period_id: int, asked: bool,
    ends_at: datetime | None,
) -> FoundLoan:  # fmt: skip
    """Open a loan with its account."""
    terms = {
        "lender": lender_id, "borrower": borrower_id, "period": period_id, "asked": asked, "ends_at": ends_at, "at": at,
    }  # fmt: skip
    if is_postgres(session):
        made = _OPEN_BOTH.one(session, **terms)
        return FoundLoan(made.id, made.account_id, asked, ends_at)
    account = open_account(session, AccountKind.LOAN, at, member_id=borrower_id)
    return FoundLoan(_OPEN.one(session, account=account, **terms), account, asked, ends_at)


_OPEN = Statement(_SQL.text("open"), row=int)
_OPEN_BOTH = Statement(_SQL.text("open_both"), row=_Made)
