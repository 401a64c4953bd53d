"""What a loan came to so far: its transfers added up, and what of it was forgiven."""

from __future__ import annotations

from dataclasses import dataclass


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

SUMMED = {"principal": "lend", "returned": "return", "used": "use", "repaid": "repay"}
"""The kind of the transfers that each of these numbers adds up."""
SUMS = ", ".join(
    f"COALESCE(SUM(t.amount) FILTER (WHERE t.kind = '{kind}'), 0) AS {name}" for name, kind in SUMMED.items()
)
"""SQL over transfers `t`: all of `Sums` but `forgiven`."""
