"""How the books write amounts and times, and how many rows a page has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.ledger.amount import Unit, plain

PAGE = 2_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Style:
    unit: Unit
    zone: ZoneInfo

    def amount(self, stored: int) -> str:
        return plain(stored, self.unit)

    def time(self, at: datetime | None) -> str | None:
        return at.astimezone(self.zone).isoformat() if at else None
