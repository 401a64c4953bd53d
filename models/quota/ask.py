"""A member asks a colleague to lend."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from models.db import id_field, ref

ASK_LASTS = timedelta(days=1)


class Ask(SQLModel, table=True):
    """`borrow 50 from @bob`: Bob lends with one click, within a day and within the period."""

    __table_args__ = (
        CheckConstraint("amount > 0", name="asks_for_something"),
        CheckConstraint("state IN ('pending', 'lent', 'declined', 'cancelled', 'expired')", name="state"),
    )

    id: int = id_field()
    code: str = Field(unique=True)
    borrower_id: int = ref("member.id", index=True)
    lender_id: int = ref("member.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    reason: str = ""
    state: str = "pending"
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
