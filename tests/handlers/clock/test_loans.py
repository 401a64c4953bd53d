"""The warning before an unspent loan goes back to its lender."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from handlers import lending
from handlers.clock.loans import warn_of_returns
from tests.actions import ctx
from tests.company import asks, who
from tests.outbox_reader import heard, told

ONE = 1_000_000
END = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)


def test_a_loan_that_goes_back_soon_is_announced_once_to_both(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "eve"), 5 * ONE)
    warn_of_returns(ctx(session, END - timedelta(hours=49)))
    assert len(told(session, "alice")) == 0
    for hours in (48, 47, 1):
        warn_of_returns(ctx(session, END - timedelta(hours=hours)))
    assert len(told(session, "alice")) == 1
    assert "goes back on 30 Nov" in heard(session, "eve")
