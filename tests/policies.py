"""Policies that several tests are about."""

from pathlib import Path

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
