"""Calls of a vendor are counted by the month in which the vendor counts them."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.database import Database
from models.metering.vendor_calls import Called, count, counted, month_of
from tests.company import NOW


def test_a_month_begins_at_midnight_in_china() -> None:
    assert month_of(datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == "2026-11"
    assert month_of(datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == "2026-12"


def test_calls_of_a_month_add_up_and_the_most_frequent_comes_first(database: Database) -> None:
    for calls in (2, 3):
        database.transact(
            lambda session, calls=calls: count(
                session, NOW, [Called("send", True, calls), Called("read", False, 1)]
            )
        )
    rows = database.transact(
        lambda session: [(one.api, one.metered, one.calls) for one in counted(session, "2026-11")]
    )
    assert rows == [("send", True, 5), ("read", False, 2)]
    assert database.transact(lambda session: counted(session, "2026-12")) == []
