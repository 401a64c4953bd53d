"""What the clock asks: reminders, passing on, ends; each once, none of it a yes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from handlers import lending, requests
from handlers.clock import housekeeping
from handlers.context import Context
from models.policy import versions
from models.quota.ask import Ask
from models.quota.request import Request
from tests.company import NOW, asks, who
from tests.outbox_reader import heard, told

ONE = 1_000_000


def ctx(session: Session, at: datetime) -> Context:
    current = versions.current(session)
    assert current is not None
    return Context(
        session=session, now=at, key=f"tick:{at.isoformat()}", version=current[0], policy=current[1]
    )


def tick(session: Session, at: datetime) -> None:
    for job in (
        housekeeping.end_asks,
        housekeeping.end_grants,
        housekeeping.warn_of_returns,
    ):
        while job(ctx(session, at)):
            pass


def test_an_ask_to_borrow_ends_once_and_both_see_it(session: Session) -> None:
    lending.borrow(asks(session, "alice"), who(session, "eve"), 5 * ONE)
    for hours in (25, 26):
        tick(session, NOW + timedelta(hours=hours))
    ask_ = session.exec(select(Ask)).one()
    assert ask_.state == "expired"
    assert len([one for one in told(session, "alice") if "has ended" in one.text]) == 1
    assert "has ended" in told(session, "eve")[0].text


def test_a_loan_that_goes_back_soon_is_announced_once_to_both(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "eve"), 5 * ONE)
    end = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    tick(session, end - timedelta(hours=49))
    assert len(told(session, "alice")) == 0
    for hours in (48, 47, 1):
        tick(session, end - timedelta(hours=hours))
    assert len(told(session, "alice")) == 1
    assert "goes back on 30 Nov" in heard(session, "eve")


def test_a_grant_with_a_day_ends_after_that_day_and_says_what_was_left(session: Session) -> None:
    requests.request(asks(session, "pia"), 300 * ONE, "load test", datetime(2026, 11, 12).date())  # noqa: DTZ001
    found = session.exec(select(Request)).one()
    requests.approve(asks(session, "lee", key="yes"), found.code)
    tick(session, datetime(2026, 11, 12, 15, 59, tzinfo=UTC))
    assert "has ended" not in heard(session, "pia")
    tick(session, datetime(2026, 11, 12, 16, 1, tzinfo=UTC))
    assert "has ended; $300.00 of it was unused" in heard(session, "pia")
