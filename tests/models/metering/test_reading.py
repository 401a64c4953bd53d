"""The rate between a gateway's micro-USD and stored units: exact, and rounded against the one who gains."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ledger.amount import Unit
from models.metering.reading import SKEW, Rate, Reading, Window, readable
from models.refusal import NoRate

RATES = st.decimals(min_value="0.01", max_value="1000", places=4).map(lambda usd: Rate.of(Unit.CREDITS, usd))
MONEY = st.integers(min_value=0, max_value=10**12)


def test_one_dollar_is_one_dollar() -> None:
    rate = Rate.of(Unit.USD, Decimal(1))
    assert (rate.booked(1), rate.enforced(1), rate.worth(1)) == (1, 1, 1)


def test_a_policy_without_a_rate_is_refused() -> None:
    with pytest.raises(NoRate):
        Rate.of(Unit.CREDITS, None)


@given(rate=RATES, spent=MONEY)
def test_use_rounds_up_and_worth_rounds_down(rate: Rate, spent: int) -> None:
    assert 0 <= rate.booked(spent) - rate.worth(spent) <= 1


@given(rate=RATES, units=MONEY)
def test_a_limit_never_lets_more_be_booked_than_was_meant(rate: Rate, units: int) -> None:
    assert rate.booked(rate.enforced(units)) <= units


BEGINS, ENDS = "monthly 2026-12-01", "2026-12-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("last", "window", "spent", "at", "expected"),
    [
        ("monthly 2026-11-01", BEGINS, 3, "00:00", Window.NEW),
        ("monthly 2026-11-01", BEGINS, 9, "00:14", Window.UNKNOWN),
        ("monthly 2026-11-01", BEGINS, 9, "00:15", Window.NEW),
        (BEGINS, BEGINS, 3, "08:00", Window.SAME),
        (BEGINS, "monthly 2026-11-01", 3, "00:00", Window.SAME),
        ("daily 2026-11-30", BEGINS, 9, "08:00", Window.OTHER_COUNTER),
        ("", BEGINS, 3, "08:00", Window.OTHER_COUNTER),
        (BEGINS, "", 9, "08:00", Window.OTHER_COUNTER),
        (ENDS, "2027-01-01T00:00:00+00:00", 9, "00:00", Window.NEW),
        ("2026-12-02T00:00:00+00:00", "2027-01-01T00:00:00+00:00", 9, "00:00", Window.SAME),
        (ENDS, "", 9, "00:00", Window.SAME),
        ("", ENDS, 9, "00:00", Window.SAME),
        ("", ENDS, 3, "00:00", Window.NEW),
        ("", ENDS, 5, "00:00", Window.SAME),
    ],
)
def test_a_counter_begins_anew_when_its_window_does(
    last: str, window: str, spent: int, at: str, expected: Window
) -> None:
    """The last reading had 5 in the window `last`. A month named by its first day is ours to compare with the clock."""
    found = Reading("alice", spent, None, datetime.fromisoformat(f"2026-12-01T{at}:00Z"), window=window)
    assert found.window_after(last, 5) is expected


def test_an_id_that_a_machine_made_is_shortened_for_people() -> None:
    uuid, digest = "0A1b2c3d-0000-4000-8000-000000000000", "deadbeef" * 5
    assert readable(f"user:{uuid}/{digest}/alice") == "user:0A1b2c3d…/deadbeef…/alice"


@pytest.mark.parametrize(
    ("asked", "last", "older"),
    [
        ("08:00", "08:01", True),
        ("08:01", "08:01", False),
        ("08:00", "08:05", True),
        ("08:00", "09:00", False),
    ],
)
def test_an_older_reading_is_told_by_when_it_was_asked(asked: str, last: str, older: bool) -> None:
    """The clock says 08:04. What was stamped far ahead of it bars nothing."""

    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-12-01T{clock}:00Z")

    assert Reading("alice", 0, None, at(asked)).is_older(at(last), at("08:04")) is older
    assert Reading("alice", 0, None, at(asked)).is_older(at("08:04") + SKEW, at("08:04"))
