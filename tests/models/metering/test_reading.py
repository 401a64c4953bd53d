"""The rate between a gateway's micro-USD and stored units: exact, and rounded against the one who gains."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ledger.amount import Unit
from models.metering.reading import Rate
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
