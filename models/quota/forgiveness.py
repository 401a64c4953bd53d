"""Debts that lenders wrote off, and the sums of loans in a query of the ORM."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, func
from sqlmodel import Field, SQLModel, col

from models.db import id_field, ref
from models.ledger.transfer import Transfer
from models.quota.loan_sums import SUMMED

TRANSFERRED = [
    func.coalesce(func.sum(col(Transfer.amount)).filter(col(Transfer.kind) == kind), 0)
    for kind in SUMMED.values()
]
"""SQL for all of `Sums` but `forgiven`."""


class Forgiveness(SQLModel, table=True):
    """A part of a debt that its lender wrote off. It moves no quota."""

    __table_args__ = (CheckConstraint("amount > 0", name="forgives_something"),)

    id: int = id_field()
    loan_id: int = ref("loan.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    at: datetime
    actor: str
    cause: str
    reason: str = ""
