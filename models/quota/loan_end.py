"""Loans with something unspent whose end is near, or has passed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, literal
from sqlmodel import Session, col, select
from sqlmodel.sql.sqltypes import UTCDateTime

from models.ledger.account import Account
from models.quota.loan import Loan
from models.quota.period import Period


def ending(
    session: Session, period: Period, now: datetime, until: datetime, most: int
) -> list[tuple[Loan, int, datetime]]:
    """Loans to warn of: (loan, unspent, end). A loan warned of this very end is left out."""
    ends = func.coalesce(col(Loan.ends_at), literal(period.ends_at, UTCDateTime()))
    query = (
        select(Loan, Account.balance)
        .join(Account)
        .where(
            col(Loan.closed_at).is_(None),
            Loan.period_id == period.id,
            Account.balance > 0,
            ends > now,
            ends <= until,
            col(Loan.warned_for).is_(None) | (col(Loan.warned_for) != ends),
        )
        .order_by(col(Loan.id))
        .limit(most)
    )
    return [(loan, unspent, loan.ends_at or period.ends_at) for loan, unspent in session.exec(query).all()]


def ended(session: Session, now: datetime, most: int) -> list[Loan]:
    query = (
        select(Loan)
        .join(Account)
        .where(col(Loan.closed_at).is_(None), col(Loan.ends_at) <= now, Account.balance > 0)
        .order_by(col(Loan.id))
        .limit(most)
    )
    return list(session.exec(query).all())
