"""What the clock asks: reminders, passing on, ends; each once, none of it a yes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from handlers import lending, requests
from handlers.clock import housekeeping
from handlers.context import Context
from models.messages.outbox import Effect, mark, park
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
        housekeeping.requests_due,
        housekeeping.end_asks,
        housekeeping.end_grants,
        housekeeping.warn_of_returns,
    ):
        while job(ctx(session, at)):
            pass


def ask(session: Session, at: datetime = NOW, name: str = "pia") -> Request:
    requests.request(asks(session, name, now=at), 300 * ONE, "load test")
    return session.exec(select(Request)).one()


def test_an_approver_is_reminded_once(session: Session) -> None:
    ask(session)
    for minutes in (0, 60, 239):
        tick(session, NOW + timedelta(minutes=minutes))
    assert len(told(session, "lee")) == 1
    for minutes in (240, 241, 300):
        tick(session, NOW + timedelta(minutes=minutes))
    assert len(told(session, "lee")) == 2
    assert "提醒" in heard(session, "lee")


def test_a_request_of_the_evening_is_reminded_of_in_the_morning(session: Session) -> None:
    evening = datetime(2026, 11, 9, 11, 0, tzinfo=UTC)  # 19:00 in Shanghai: one waking hour is left
    ask(session, evening)
    tick(session, datetime(2026, 11, 10, 2, 59, tzinfo=UTC))
    assert len(told(session, "lee")) == 1
    tick(session, datetime(2026, 11, 10, 3, 0, tzinfo=UTC))  # 11:00: the fourth
    assert len(told(session, "lee")) == 2


def test_a_weekend_does_not_count(session: Session) -> None:
    friday = datetime(2026, 11, 13, 11, 0, tzinfo=UTC)
    ask(session, friday)
    tick(session, datetime(2026, 11, 15, 15, 0, tzinfo=UTC))
    assert len(told(session, "lee")) == 1
    tick(session, datetime(2026, 11, 16, 3, 0, tzinfo=UTC))
    assert len(told(session, "lee")) == 2


def test_when_the_card_reaches_nobody_who_was_asked_the_next_is_asked_at_once(session: Session) -> None:
    found = ask(session)
    card = session.exec(select(Effect).where(Effect.about == found.about)).one()
    mark(session, [park(card, NOW, "lee: invalid staff id")])
    session.expire_all()
    tick(session, NOW + timedelta(minutes=1))
    assert "load test" in heard(session, "olga")
    before = len(told(session, "olga"))
    tick(session, NOW + timedelta(minutes=2))
    assert len(told(session, "olga")) == before, "who was asked in their place is asked once"


def test_when_the_only_one_asked_has_left_the_next_is_asked_at_once(session: Session) -> None:
    found = ask(session)
    lee = who(session, "lee")
    lee.left_at = NOW
    session.add(lee)
    tick(session, NOW + timedelta(minutes=1))
    assert "load test" in heard(session, "olga")
    assert found.state == "pending"


def test_an_unroutable_request_finds_its_approver_when_there_is_one(session: Session) -> None:
    for name in ("olga", "cfo"):
        gone = who(session, name)
        gone.left_at = NOW
        session.add(gone)
    found = ask(session, name="max")
    assert found.state == "unroutable"
    tick(session, NOW + timedelta(hours=1))
    assert found.state == "unroutable"
    member = who(session, "max")
    member.manager_id = who(session, "carol").id
    session.add(member)
    tick(session, NOW + timedelta(hours=2))
    session.refresh(found)
    assert found.state == "pending"
    assert "load test" in heard(session, "carol")


def test_nothing_ends_in_a_yes(session: Session) -> None:
    found = ask(session)
    for day in range(20):
        tick(session, NOW + timedelta(days=day))
    session.refresh(found)
    assert found.state == "expired"
    assert found.granted == 0
    assert "Nobody answered" in heard(session, "pia")


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
