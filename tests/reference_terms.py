"""Parts of the reference ledger: the terms of a policy, a loan, a grant, and how amounts are rounded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

CENT = 10_000


class Refused(Exception):
    """The rules refuse; the message is the name of the expected refusal."""


def down(amount: int, part: Decimal) -> int:
    return int((amount * part).to_integral_value(ROUND_FLOOR))


def up(amount: int, part: Decimal) -> int:
    return int((amount * part).to_integral_value(ROUND_CEILING))


@dataclass
class Terms:
    """The part of the policy that balances depend on."""

    bases: dict[str, int]
    budget: int = 0
    keep: Decimal = Decimal("0.2")
    most_loans: int = 3
    borrowed: Decimal = Decimal(1)
    repay: Decimal = Decimal("0.5")
    carry: Decimal = Decimal(0)
    cap: int | None = None
    auto: int = 0
    """How many requests a person and period the policy approves."""
    auto_share: Decimal = Decimal(0)


@dataclass
class ReferenceLoan:
    lender: str
    borrower: str
    period: int
    principal: int = 0
    returned: int = 0
    used: int = 0
    repaid: int = 0
    forgiven: int = 0
    asked: bool = False

    @property
    def unspent(self) -> int:
        return self.principal - self.returned - self.used

    @property
    def owed(self) -> int:
        return self.used - self.repaid - self.forgiven

    @property
    def open(self) -> int:
        return self.unspent + self.owed


@dataclass
class TopUp:
    owner: str
    balance: int
    ends: Any
    payer: tuple[str, int] | None = None
    code: str | None = None
