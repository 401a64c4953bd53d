"""The heading of a policy is what its schema reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy.document import parse
from models.policy.heading import heading_of

EXAMPLE = (Path(__file__).parents[3] / "policy.example.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        "{unit: USD, allocations: []}",
        "{unit: tokens, allocations: [], timezone: Asia/Shanghai}",
        "{unit: CNY, allocations: [], gateway: {per_usd: 7.25}}",
        "{unit: credits, allocations: [], gateway: {per_usd: 100}, timezone: 'Europe/Berlin'}",
    ],
)
def test_unit_zone_and_rate(text: str) -> None:
    found, policy = heading_of(text), parse(text)
    assert (found.unit, found.zone, found.per_usd) == (policy.unit, policy.zone, policy.per_usd)
