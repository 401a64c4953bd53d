"""What a gateway reports: account readings and usage, in micro-USD, and the rate to stored units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Self

from models.ledger.amount import Unit
from models.refusal import NoRate

MICRO = 1_000_000


@dataclass(frozen=True)
class Rate:
    """Stored units per micro-USD, exact. It changes only at an opening."""

    units: Fraction

    @classmethod
    def of(cls, unit: Unit, per_usd: Decimal | None) -> Self:
        """The policy's rate. Raises `NoRate` where it names none; for USD it is 1."""
        if per_usd is None:
            raise NoRate(unit.value)
        return cls(Fraction(per_usd) * unit.scale / MICRO)

    def booked(self, micro_usd: int) -> int:
        """What so much spend is in stored units: rounded up, it is used."""
        return -(-micro_usd * self.units.numerator // self.units.denominator)

    def enforced(self, units: int) -> int:
        """What may be spent for so many stored units: rounded down, it moves."""
        return units * self.units.denominator // self.units.numerator

    def worth(self, micro_usd: int) -> int:
        """How many stored units so much money gives: rounded down, it moves."""
        return micro_usd * self.units.numerator // self.units.denominator


@dataclass(frozen=True)
class Reading:
    """What a gateway said of one account: `spent` and `total` in micro-USD, `window` opaque, `as_of` when asked for.

    `refunds`: it counts for ever, so that less than before was paid back. `unsure`: it may not know `spent` just now.
    """

    id: str
    spent: int
    total: int | None
    window: str
    as_of: datetime
    email: str = ""
    owner: str = ""
    name: str = ""
    refunds: bool = False
    unsure: bool = False


@dataclass(frozen=True)
class KeyUsage:
    """What one account used on a day of a model with a key so far: `amount` in micro-USD."""

    account: str
    day: date
    model: str
    key: str
    amount: int
    input_tokens: int = 0
    output_tokens: int = 0
