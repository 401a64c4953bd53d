"""`grant` to and from one person."""

from datetime import timedelta

import pytest

from tests.console import TODAY, Operator, next_month


def test_a_grant_lasts_to_the_end_of_its_day(operator: Operator) -> None:
    until = next_month() + timedelta(days=4)
    operator.run("grant", "alice@corp.example", "50", "--reason", "task", "--expires", until.isoformat())
    operator.run("tick", "--now", next_month().isoformat())
    assert operator.show("alice")["top_ups"] == "50"
    operator.run("tick", "--now", f"{until.isoformat()}T23:59:59")
    assert operator.show("alice")["top_ups"] == "50"
    operator.run("tick", "--now", (until + timedelta(days=1)).isoformat())
    assert operator.show("alice")["top_ups"] == "0"
    operator.run("audit")


def test_taking_takes_the_allocation_then_top_ups_and_never_more(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "20", "--reason", "first", "--expires", "2099-01-01")
    operator.run("grant", "alice@corp.example", "10", "--reason", "second")
    assert "holds 130 USD" in operator.fails("grant", "alice@corp.example", "-130.01", "--reason", "x")
    assert operator.show("alice")["available"] == "130"
    operator.run("grant", "alice@corp.example", "-105", "--reason", "x")
    alice = operator.show("alice")
    assert (alice["allocation"], alice["top_ups"]) == ("0", "25")
    operator.run("grant", "--reason", "x", "--", "alice@corp.example", "-25")
    assert operator.show("alice")["available"] == "0"
    assert {row["reason"] for row in operator.rows("ledger")} >= {"first", "second", "x"}
    operator.run("audit")


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("0", "there is nothing to move"), ("-0", "there is nothing to move"), ("nan", "no number"), ("1e3", "exponent"),
        ("0.0000001", "finer"), ("99999999999999", "too large"), ("½", "digits"), ("all", "give a number"), ("5-9", "range"),
        ("€5", "unit"),
    ],
)  # fmt: skip
def test_a_wrong_amount_moves_nothing(operator: Operator, amount: str, why: str) -> None:
    before = operator.rows("ledger")
    assert why in operator.fails("grant", "alice@corp.example", "--reason", "x", "--", amount)
    assert operator.rows("ledger") == before


def test_a_grant_needs_a_reason_a_future_day_and_a_colleague(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "5", code=2)
    operator.run("grant", "alice@corp.example", "5", "--reason", " ", code=2)
    operator.run("grant", "alice@corp.example", "5", "--reason", "x", "--expires", "soon", code=2)
    yesterday = (TODAY - timedelta(days=2)).isoformat()
    assert "is over" in operator.fails(
        "grant", "alice@corp.example", "5", "--reason", "x", "--expires", yesterday
    )
    operator.run("people", "leave", "alice@corp.example")
    assert "has left" in operator.fails("grant", "alice@corp.example", "5", "--reason", "x")
