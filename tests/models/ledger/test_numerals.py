"""Numerals: what is exact, what is confirmed, what is asked back, and what is none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.ledger.numerals import Numeral, arabic, chinese, english, mixed, numeral


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1,000,000", 1_000_000), ("1 000", 1_000), ("1.5m", 1_500_000), ("50w", 500_000), ("3万5千", 35_000),
        ("三万五千", 35_000), ("两百零五", 205), ("十五", 15), ("一十五", 15), ("twenty-five", 25), ("a hundred", 100), ("two hundred thousand", 200_000),
        ("one hundred and twenty", 120), ("fifteen hundred", 1_500), ("nineteen", 19), ("two thousand five hundred", 2_500), ("俩百", 200),
    ],
)  # fmt: skip
def test_a_usual_spelling_is_exact(typed: str, value: int) -> None:
    assert numeral(typed) == Numeral((Decimal(value),))


@pytest.mark.parametrize(
    ("typed", "value"),
    [("3万5", 35_000), ("三万五", 35_000), ("一百二", 120), ("a tenner", 10), ("hundred", 100)],
)
def test_a_spoken_short_form_is_confirmed(typed: str, value: int) -> None:
    assert numeral(typed) == Numeral((Decimal(value),), sure=False)


def test_no_digit_of_a_long_numeral_is_rounded_away() -> None:
    assert numeral(f"1.{'1' * 35}万") == Numeral((Decimal(f"11111.{'1' * 31}"),))
    assert mixed(f"1亿1.{'0' * 24}1万") == Numeral((Decimal(f"100010000.{'0' * 20}1"),))


@pytest.mark.parametrize(
    ("typed", "values"),
    [("1.000", ("1", "1000")), ("1,5m", ("1500000", "15000000")), ("1兆", ("1000000", "1000000000000"))],
)
def test_what_has_two_readings_names_both(typed: str, values: tuple[str, ...]) -> None:
    found = numeral(typed)
    assert found is not None
    assert found.ask
    assert sorted(found.values) == [Decimal(one) for one in values]


@pytest.mark.parametrize(
    ("read", "typed"),
    [(arabic, "12k5"), (arabic, "k"), (mixed, "3千5万"), (mixed, "1万10000"), (mixed, "100000000亿"), (chinese, "五三"), (chinese, "一千零十"), (chinese, "百万五千零"), (english, "a"), (english, "twelve-one")],
)  # fmt: skip
def test_anything_else_is_no_numeral(read, typed: str) -> None:
    assert read(typed) is None
