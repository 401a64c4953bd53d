"""Public holidays of a country, and the weekend days on which its people work."""

from __future__ import annotations

from datetime import date

import pytest

from models.policy.day_off import is_country, off


@pytest.mark.parametrize(
    ("code", "day", "is_off"),
    [
        ("CN", date(2025, 10, 1), True), ("CN", date(2025, 10, 11), False), ("CN", date(2025, 10, 15), None),
        ("DE-BY", date(2025, 1, 6), True), ("DE", date(2025, 1, 6), None),
    ],
)  # fmt: skip
def test_a_day_is_off_worked_instead_or_usual(code: str, day: date, is_off: bool | None) -> None:
    assert off(code, day) is is_off


@pytest.mark.parametrize(
    ("code", "known"),
    [("CN", True), ("DE-BY", True), ("DE-XX", False), ("XX", False), ("", False), ("cn", False)],
)
def test_a_country_may_name_a_state_that_it_has(code: str, known: bool) -> None:
    assert is_country(code) is known
