"""What the clock does with asks to borrow that nobody answered."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, select

from handlers import asking
from handlers.clock.asks import end_asks
from models.quota.ask import Ask
from tests.actions import ctx
from tests.company import NOW, asks, who
from tests.outbox_reader import told

ONE = 1_000_000


def test_an_ask_to_borrow_ends_once_and_both_see_it(session: Session) -> None:
    asking.borrow(asks(session, "alice"), who(session, "eve"), 5 * ONE)
    for hours in (23, 25, 26):
        end_asks(ctx(session, NOW + timedelta(hours=hours)))
    assert session.exec(select(Ask)).one().state == "expired"
    assert len([one for one in told(session, "alice") if "has ended" in one.text]) == 1
    assert "has ended" in told(session, "eve")[0].text


def test_an_ask_lasts_a_day(session: Session) -> None:
    asking.borrow(asks(session, "alice"), who(session, "eve"), 5 * ONE)
    end_asks(ctx(session, NOW + timedelta(hours=23)))
    assert session.exec(select(Ask)).one().state == "pending"
    assert told(session, "alice") == []
