"""What an approver is reminded of: what the requester got and borrowed in this period."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from handlers import lending, requests
from models.quota.request import Request, find, open_request
from models.quota.track_record import TrackRecord
from tests.actions import USD
from tests.company import NOW, asks, who

HOUR = timedelta(hours=1)


def ask(session: Session, name: str, usd: int, hours: int) -> Request:
    requests.request(asks(session, name, NOW + hours * HOUR, f"{name} asks at {hours}"), usd * USD, "")
    found = open_request(session, who(session, name).id)
    assert found is not None
    return found


def decide(session: Session, what, code: str, hours: int, *why: str) -> None:
    what(asks(session, "carol", NOW + hours * HOUR, f"carol decides at {hours}"), code, *why)


def test_earlier_grants_and_the_last_decline_count_and_the_request_itself_does_not(session: Session) -> None:
    decide(session, requests.approve, ask(session, "alice", 10, 0).code, 1)
    decide(session, requests.approve, ask(session, "alice", 20, 2).code, 3)
    decide(session, requests.decline, ask(session, "alice", 30, 4).code, 5, "no")
    decide(session, requests.approve, ask(session, "bob", 40, 5).code, 6)
    now = ask(session, "alice", 50, 7)
    assert TrackRecord.before(session, now) == TrackRecord(2, 30 * USD, NOW + 5 * HOUR)
    decide(session, requests.approve, now.code, 8)
    again = find(session, now.code, who(session, "carol"))
    assert TrackRecord.before(session, again).count == 2


def test_what_was_borrowed_is_told_apart_by_before_and_since_the_asking(session: Session) -> None:
    for hours, usd in ((0, 5), (2, 7)):
        lending.lend(
            asks(session, "eve", NOW + hours * HOUR, f"eve lends at {hours}"),
            who(session, "alice"),
            usd * USD,
        )
        if not hours:
            found = ask(session, "alice", 50, 1)
    record = TrackRecord.before(session, found)
    assert (record.borrowed, record.since) == (12 * USD, 7 * USD)
