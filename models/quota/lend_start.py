"""Where a lend begins: what both have, the lender's allocation, and the open loan that more is added to or a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Self

from sqlmodel import Session

from models.ledger.account import AccountKind, open_account
from models.ledger.transfer import Cause, Kind, require_posted, transfer
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
    transfer_id: int | None
    source_balance: int | None
    target_balance: int | None


def lend_new(
    session: Session, amount: int, source: int, cause: Cause, *, lender_id: int, borrower_id: int, period_id: int,
    asked: bool, ends_at: datetime | None,
) -> FoundLoan:  # fmt: skip
    """Open a loan with its account, and post `amount` on it. Raises `InsufficientQuota`."""
    terms = {
        "lender": lender_id, "borrower": borrower_id, "period": period_id, "asked": asked, "ends_at": ends_at,
    }  # fmt: skip
    if is_postgres(session):
        words = cause.words | {"of_period": cause.period_id, "amount": amount, "source": source}
        made = _LEND_NEW.one(session, **(words | terms))
        require_posted(session, made.transfer_id, source, amount)
        return FoundLoan(made.id, made.account_id, asked, ends_at)
    account = open_account(session, AccountKind.LOAN, cause.at, member_id=borrower_id)
    number = _OPEN.one(session, account=account, at=cause.at, **terms)
    transfer(session, Kind.LEND, amount, source=source, target=account, cause=cause, loan_id=number)
    return FoundLoan(number, account, asked, ends_at)


_OPEN = Statement(_SQL.text("open"), row=int)
_LEND_NEW = Statement(_SQL.text("lend_new"), row=_Made)
