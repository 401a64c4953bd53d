"""Policies that several tests are about."""

from pathlib import Path
from textwrap import dedent

import pytest

from models.policy.document import parse
from models.policy.yaml_tree import PolicyError

EXAMPLE = Path(__file__).parents[1] / "policy.example.yaml"
SMALLEST = "unit: USD\nallocations: [{match: {}, amount: 100}]\n"
TEAMS = """
unit: USD
allocations:
  - {match: {team: engineering, role: intern}, amount: 20, reason: learning}
  - {match: {team: engineering}, amount: 200}
  - {match: {cost_center: "0042"}, amount: 70}
  - {match: {team: "", level: 3}, amount: 50}
teams:
  - {name: payments, parent: Engineering, owner: Lee@Corp.Example}
  - {name: engineering, top_up_budget: 5000, parent: company}
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        parse(dedent(text))
    return [str(problem) for problem in refused.value.problems]


def complaint(text: str) -> str:
    """The one thing that is wrong below the smallest policy, which has two lines."""
    (only,) = complaints(SMALLEST + dedent(text))
    return only
