"""What figures are written in: the unit, zone and rate of a policy, read without its schema, which takes long to load."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.ledger.amount import Unit
from models.policy.yaml_tree import read


@dataclass(frozen=True)
class Heading:
    """As the `Policy` of the same text has them."""

    unit: Unit
    zone: ZoneInfo
    per_usd: Decimal | None


def heading_of(text: str) -> Heading:
    """Of an applied policy, whose text was checked then."""
    said = read(text, "policy").value
    unit, rate = Unit(said["unit"]), (said.get("gateway") or {}).get("per_usd")
    per_usd = Decimal(1) if unit is Unit.USD else None if rate is None else Decimal(str(rate))
    return Heading(unit, ZoneInfo(said.get("timezone", "UTC")), per_usd)
