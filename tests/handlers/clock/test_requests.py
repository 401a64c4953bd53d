"""What the clock asks about open requests: reminders, the next approver, the end; each once, none of it a yes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from handlers import requests
from handlers.clock.requests import requests_due
from models.messages.outbox import Effect, mark, park
from models.quota.request import Request
from tests.actions import ctx
from tests.company import NOW, asks, who
from tests.outbox_reader import heard, told

ONE = 1_000_000


def tick(session: Session, at: datetime) -> None:
    requests_due(ctx(session, at))


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


def test_a_request_of_the_evening_is_followed_by_a_reminder_in_the_morning(session: Session) -> None:
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


def test_the_next_approver_is_asked_at_once_when_the_card_reaches_nobody(session: Session) -> None:
    found = ask(session)
    card = session.exec(select(Effect).where(Effect.about == found.about)).one()
    mark(session, [park(card, NOW, "lee: invalid staff id")])
    session.expire_all()
    tick(session, NOW + timedelta(minutes=1))
    assert "load test" in heard(session, "olga")
    before = len(told(session, "olga"))
    tick(session, NOW + timedelta(minutes=2))
    assert len(told(session, "olga")) == before, "who was asked in their place is asked once"


def test_the_next_approver_is_asked_at_once_when_the_only_one_asked_has_left(session: Session) -> None:
    found = ask(session)
    lee = who(session, "lee")
    lee.left_at = NOW
    session.add(lee)
    tick(session, NOW + timedelta(minutes=1))
    assert "load test" in heard(session, "olga")
    assert found.state == "pending"


def test_an_unroutable_request_is_asked_once_there_is_an_approver(session: Session) -> None:
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


def test_time_never_approves_a_request(session: Session) -> None:
    found = ask(session)
    for day in range(20):
        tick(session, NOW + timedelta(days=day))
    session.refresh(found)
    assert found.state == "expired"
    assert found.granted == 0
    assert "Nobody answered" in heard(session, "pia")
