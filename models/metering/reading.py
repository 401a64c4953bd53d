"""Readings of a gateway: accounts and usage in micro-USD, and the rate to stored units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum, auto
from fractions import Fraction
from typing import Self

from models.ledger.amount import Unit
from models.refusal import NoRate

MICRO = 1_000_000
SKEW = timedelta(minutes=1)
"""How far ahead another replica's clock may be."""
LATE = timedelta(minutes=15)
"""So long after midnight a gateway may still show yesterday's figure."""

_MADE_UP = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32,}", re.IGNORECASE)
"""UUIDs and hashes."""


def readable(account_id: str) -> str:
    """An id with its UUIDs and hashes shortened, for people to tell it from others."""
    return _MADE_UP.sub(lambda found: f"{found[0][:8]}…", account_id)


class News(StrEnum):
    """Findings about an account that admins are told."""

    GONE = "gone"
    LIFTED = "lifted"
    UNENFORCED = "unenforced"
    EDITED = "edited"


@dataclass(frozen=True)
class Rate:
    """Stored units per micro-USD, exact. It changes only at an opening."""

    units: Fraction

    @classmethod
    def of(cls, unit: Unit, per_usd: Decimal | None) -> Self:
        """Raises `NoRate` where the policy names none; for USD it is 1."""
        if per_usd is None:
            raise NoRate(unit.value)
        return cls(Fraction(per_usd) * unit.scale / MICRO)

    def booked(self, micro_usd: int) -> int:
        """Spend in stored units, rounded up."""
        return -(-micro_usd * self.units.numerator // self.units.denominator)

    def enforced(self, units: int) -> int:
        """The limit for so many stored units, in micro-USD, rounded down."""
        return units * self.units.denominator // self.units.numerator

    def counted(self, units: int) -> int:
        """The spend that so many stored units were booked for, micro-USD: rounded up."""
        return -(-units * self.units.denominator // self.units.numerator)

    def worth(self, micro_usd: int) -> int:
        """Stored units for so much money, rounded down."""
        return micro_usd * self.units.numerator // self.units.denominator


class Window(Enum):
    """`NEW`: the counter began anew. `OTHER_COUNTER`: windows have another length, so another figure is shown.
    `UNKNOWN`: nobody can tell yet.
    """

    SAME = auto()
    NEW = auto()
    OTHER_COUNTER = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Reading:
    """One account as the gateway showed it. `spent` and `total` are micro-USD in the gateway's own `window`.

    `total`: what may be spent in all before calls are refused; None when nothing limits the account. For a cap it is the
    cap, for a wallet remaining + used. `as_of`: when the gateway was asked, so the reading is at least this fresh.
    `window`: the gateway counts anew with the next one. Named by its end as an ISO time, where the gateway says it;
    by its length and first UTC day ("monthly 2026-11-01"), where the connector knows them; "" where there is none.
    `email`, `name`, `owner` (an id or e-mail) are hints
    for linking, empty when the gateway does not say. `refunds`: the counter never begins anew, so a drop is a refund.
    `unsure`: the gateway may have no figure of `spent` just now, so a drop in the same window proves nothing.
    `ours`: use during a write of ours has raised the total beyond it, so nobody edited it.
    `models`: the list of models in the gateway's own words, empty for every model; None where there are no such lists.
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
    gateway: str = ""
    unsure: bool = False
    ours: bool = False
    models: tuple[str, ...] | None = None

    def is_older(self, last: datetime, now: datetime) -> bool:
        """Whether it was asked for before `last`. A `last` ahead of `now` was stamped by a wrong clock and bars nothing."""
        return self.as_of < last <= now + SKEW

    def window_after(self, last: str, spent: int) -> Window:
        """Compare with an earlier reading of `spent` in the window `last`."""
        if self.window == last:
            return Window.SAME
        ours, theirs = _length_and_day(self.window), _length_and_day(last)
        if (ours or theirs) and (ours and ours[0]) != (theirs and theirs[0]):
            return Window.OTHER_COUNTER
        if ours and theirs and ours < theirs:
            return Window.SAME
        if self.spent < spent:
            return Window.NEW
        if ours:
            # The day follows from our clock; the gateway's may be behind, and then this is still the old figure.
            begun = self.as_of >= datetime.combine(ours[1], time(), UTC) + LATE
            return Window.NEW if begun else Window.UNKNOWN
        return Window.NEW if self.window and self._is_over(last) else Window.SAME

    def _is_over(self, window: str) -> bool:
        try:
            return datetime.fromisoformat(window) <= self.as_of
        except (TypeError, ValueError):
            return False

    @property
    def own_id(self) -> str:
        """The id as its gateway has it: of several gateways, each id here begins with the name of its own."""
        return self.id.removeprefix(f"{self.gateway}:") if self.gateway else self.id

    @property
    def label(self) -> str:
        """The gateway's name for the account, and the owner it names."""
        return ", ".join(part for part in (self.name, self.email or self.owner) if part not in ("", self.id))


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """Usage of one account on one UTC day, of one model, with one key, so far. Replaces an earlier one of these
    four.

    `amount`: micro-USD. `account`: empty when the gateway cannot name the spender; `key`: empty when it does not
    break usage down by key.
    """

    account: str
    day: date
    model: str
    amount: int
    key: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0


def _length_and_day(window: str) -> tuple[str, date] | None:
    length, _, first = window.partition(" ")
    try:
        return length, date.fromisoformat(first)
    except ValueError:
        return None
