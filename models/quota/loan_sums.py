"""What a loan came to so far: its transfers added up, and what of it was forgiven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, func
from sqlmodel import Field, SQLModel, col

from models.db import id_field, ref
from models.ledger.transfer import Kind, Transfer


@dataclass(frozen=True)
class Sums:
    """The numbers of one loan, in stored units."""

    principal: int = 0
    returned: int = 0
    used: int = 0
    repaid: int = 0
    forgiven: int = 0

    @property
    def unspent(self) -> int:
        return self.principal - self.returned - self.used

    @property
    def owed(self) -> int:
        return self.used - self.repaid - self.forgiven

    @property
    def open(self) -> int:
        return self.unspent + self.owed


NAMES = ("principal", "returned", "unspent", "used", "repaid", "forgiven", "owed")
"""All numbers of a loan that reports show, in their order."""

_SUMMED = {"principal": Kind.LEND, "returned": Kind.RETURN, "used": Kind.USE, "repaid": Kind.REPAY}
TRANSFERRED = [
    func.coalesce(func.sum(col(Transfer.amount)).filter(col(Transfer.kind) == kind), 0)
    for kind in _SUMMED.values()
]
"""SQL for all of `Sums` but `forgiven`."""
SUMS = ", ".join(
    f"COALESCE(SUM(t.amount) FILTER (WHERE t.kind = '{kind}'), 0) AS {name}" for name, kind in _SUMMED.items()
)
"""The same for a statement over transfers `t`."""


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
