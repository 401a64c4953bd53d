"""An alarm from the question to its answer."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from models.metering.alarm import LASTS, Alarm
from tests.company import NOW, who

LATER = NOW + timedelta(minutes=5)


def test_a_newer_alarm_takes_the_place_of_the_old_one_and_keeps_its_earlier_pause(session: Session) -> None:
    bob = who(session, "bob").id
    first = Alarm.begin(session, bob, 1, NOW, NOW + timedelta(minutes=30))
    second = Alarm.begin(session, bob, 2, LATER, LATER + timedelta(minutes=30))
    session.refresh(first)
    assert (first.answered_at, second.pause_at) == (LATER, NOW + timedelta(minutes=30))
    assert Alarm.open_of(session, bob) is second


def test_an_answer_ends_the_alarm_of_that_member_alone(session: Session) -> None:
    bob, eve = (who(session, name).id for name in ("bob", "eve"))
    for one in (bob, eve):
        Alarm.begin(session, one, 1, NOW, LATER)
    Alarm.answer(session, bob, LATER)
    session.expire_all()
    assert Alarm.open_of(session, bob) is None
    assert [one.member_id for one in Alarm.unanswered(session, LATER)] == [eve]


def test_an_alarm_is_left_alone_once_everybody_was_told_and_after_a_day(session: Session) -> None:
    one = Alarm.begin(session, who(session, "bob").id, 1, NOW, LATER)
    assert Alarm.unanswered(session, LATER) == [one]
    one.escalate(LATER)
    session.flush()
    assert Alarm.unanswered(session, LATER) == [one], "the pause is still to come"
    one.give_up_pause()
    session.flush()
    assert Alarm.unanswered(session, LATER) == []
    one.escalated_at = None
    session.flush()
    assert Alarm.unanswered(session, NOW + LASTS) == []
