"""What a loan came to so far."""

from __future__ import annotations

from models.quota.loan_sums import NAMES, Sums

SUMS = Sums(principal=100, returned=20, used=50, repaid=15, forgiven=5)


def test_unspent_is_neither_returned_nor_used_and_owed_is_neither_repaid_nor_forgiven() -> None:
    assert (SUMS.unspent, SUMS.owed) == (30, 30)


def test_a_loan_is_open_while_something_is_unspent_or_owed() -> None:
    assert SUMS.open == 60
    assert Sums(principal=100, returned=50, used=50, repaid=45, forgiven=5).open == 0


def test_reports_show_every_number_in_one_order() -> None:
    assert [getattr(SUMS, name) for name in NAMES] == [100, 20, 30, 50, 15, 5, 30]
