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


@dataclass(frozen=True, slots=True)
class Reading:
    """One account as the gateway showed it. `spent` and `total` are micro-USD in the gateway's own `window`.

    `total`: what may be spent in all before calls are refused; None when nothing limits the account. For a cap it is the
    cap, for a wallet remaining + used. `as_of`: when the gateway was asked, so the reading is at least this fresh.
    `window`: opaque; changes when the gateway begins to count anew. `email`, `name`, `owner` (an id or e-mail) are hints
    for linking, empty when the gateway does not say. `refunds`: the counter never begins anew, so a drop is a refund.
    `unsure`: the gateway may have no figure of `spent` just now, so a drop in the same window proves nothing.
    """

    id: str
    spent: int
    total: int | None
    as_of: datetime
    window: str = ""
    email: str = ""
    name: str = ""
    owner: str = ""
    blocked: bool = False
    refunds: bool = False
    unsure: bool = False

    @property
    def label(self) -> str:
        """What the gateway calls the account, and the owner it names."""
        return ", ".join(part for part in (self.name, self.email or self.owner) if part not in ("", self.id))


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """All that an account used on one UTC day, of one model, with one key, so far. Replaces an earlier one of the same four.

    `amount` is micro-USD. `account` is empty when the gateway cannot name the spender, `key` when it does not break down
    by key.
    """

    account: str
    day: date
    model: str
    amount: int
    key: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
