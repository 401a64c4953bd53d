"""What waits for whom, and reminding the approver."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from handlers import asking, requests, waiting
from models.messages.message import Message
from models.quota.request import open_request
from models.refusal import AlreadyDecided, UnknownCode
from tests.company import NOW, who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000


def ask(session: Session, name: str = "alice", amount: int = 60) -> str:
    requests.request(by(session, name), amount * ONE, "load test")
    found = open_request(session, who(session, name).id)
    assert found is not None
    return found.code


def lines(message: Message) -> list[tuple[str, list[str]]]:
    """Every line below the title, with its actions."""
    found = [(message.text, [one.action for one in message.buttons])] if message.text else []
    return found + [line for part in message.parts for line in lines(part)]


def test_what_waits_for_the_manager_has_the_buttons_of_its_card(session: Session) -> None:
    code = ask(session)
    ((text, actions),) = lines(waiting.pending(by(session, "carol")))
    assert code in text
    assert "Alice" in text
    assert actions == ["request.approve", "request.other", "request.decline"]
    requests.approve(by(session, "carol"), code)
    assert "Nothing waits for you" in waiting.pending(by(session, "carol")).text


def test_an_ask_to_borrow_waits_for_the_one_and_is_awaited_by_the_other(session: Session) -> None:
    asking.borrow(by(session, "alice"), who(session, "eve"), 5 * ONE, "")
    ((text, actions),) = lines(waiting.pending(by(session, "eve")))
    assert "Alice" in text
    assert actions == ["borrow.accept", "borrow.decline"]
    ((text, actions),) = lines(waiting.pending(by(session, "alice")))
    assert "from Eve" in text
    assert actions == []
    later = by(session, "eve", now=NOW + timedelta(days=2))
    assert "Nothing waits" in waiting.pending(later).text


def test_the_requester_sees_the_request_and_can_remind_or_cancel(session: Session) -> None:
    code = ask(session)
    ((text, actions),) = lines(waiting.pending(by(session, "alice")))
    assert code in text
    assert "waiting for Carol" in text
    assert actions == ["request.nudge", "request.cancel"]


def test_the_approver_is_reminded_once_a_day_with_buttons(session: Session) -> None:
    code = ask(session)
    assert "I reminded Carol" in waiting.nudge(by(session, "alice"), code).text
    assert "Alice kindly asks" in heard(session, "carol")
    assert "request.approve" in [one.action for one in told(session, "carol")[-1].buttons]
    count = len(told(session, "carol"))
    assert "today already" in waiting.nudge(by(session, "alice")).text
    assert len(told(session, "carol")) == count
    tomorrow = by(session, "alice", now=NOW + timedelta(days=1))
    assert "I reminded Carol" in waiting.nudge(tomorrow, code).text


def test_nobody_else_reminds_and_nothing_is_reminded_of_that_is_decided(session: Session) -> None:
    code = ask(session)
    with pytest.raises(UnknownCode):
        waiting.nudge(by(session, "bob"), code)
    requests.approve(by(session, "carol"), code)
    with pytest.raises(AlreadyDecided):
        waiting.nudge(by(session, "alice"), code)
    assert "no open request" in waiting.nudge(by(session, "alice")).text
