"""Who sees figures of money."""

import pytest

from models.policy import document
from models.policy.sight import Sight
from tests.company import POLICY

RULES = document.parse(POLICY)


@pytest.mark.parametrize(
    ("name", "whole", "payments", "design"),
    [
        ("ops", True, True, True),
        ("cfo", True, True, True),
        ("olga", False, True, False),
        ("lee", False, True, False),
        ("alice", False, False, False),
    ],
)
def test_admins_and_finance_see_all_and_owners_their_teams_with_those_below(
    name: str, whole: bool, payments: bool, design: bool
) -> None:
    sight = Sight.of(RULES, f"{name}@corp.example")
    assert (sight.whole, sight.shows("payments"), sight.shows("design")) == (whole, payments, design)
    assert bool(sight) == (whole or payments)
