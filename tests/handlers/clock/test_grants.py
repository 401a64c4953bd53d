"""The end of a top-up that was granted until a day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlmodel import Session, select

from handlers import requests
from handlers.clock.grants import end_grants
from models.quota.request import Request
from tests.actions import ctx
from tests.company import asks
from tests.outbox_reader import heard

ONE = 1_000_000


def test_a_grant_with_a_day_ends_after_that_day_and_says_what_was_left(session: Session) -> None:
    requests.request(asks(session, "pia"), 300 * ONE, "load test", date(2026, 11, 12))
    found = session.exec(select(Request)).one()
    requests.approve(asks(session, "lee", key="yes"), found.code)
    end_grants(ctx(session, datetime(2026, 11, 12, 15, 59, tzinfo=UTC)))
    assert "has ended" not in heard(session, "pia")
    end_grants(ctx(session, datetime(2026, 11, 12, 16, 1, tzinfo=UTC)))
    assert "has ended; $300.00 of it was unused" in heard(session, "pia")
