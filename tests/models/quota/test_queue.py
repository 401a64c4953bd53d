"""The requests that wait for a member, by today's authority."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from handlers import requests
from models.policy import document
from models.quota.queue import waiting_for
from models.quota.request import open_request
from tests.actions import USD
from tests.company import NOW, POLICY, asks, who

TERMS = document.parse(POLICY)


def ask(session: Session, name: str, usd: int, minutes: int = 0) -> str:
    requests.request(asks(session, name, NOW + timedelta(minutes=minutes), f"{name} asks"), usd * USD, "")
    found = open_request(session, who(session, name).id)
    assert found is not None
    return found.code


def queue(session: Session, name: str) -> list[tuple[str, bool]]:
    return [(one.request.code, one.whole) for one in waiting_for(session, TERMS, who(session, name).id, NOW)]


def test_requests_wait_in_the_order_in_which_they_were_asked(session: Session) -> None:
    later, first = ask(session, "alice", 10, minutes=5), ask(session, "bob", 10)
    assert queue(session, "carol") == [(first, True), (later, True)]
    assert queue(session, "lee") == []


def test_one_that_the_pool_cannot_pay_is_not_whole(session: Session) -> None:
    small, large = ask(session, "pia", 1000), ask(session, "quinn", 1001, minutes=1)
    assert queue(session, "lee") == [(small, True), (large, False)]


def test_whoever_may_not_decide_any_more_has_nothing_waiting(session: Session) -> None:
    ask(session, "alice", 10)
    who(session, "alice").manager_id = who(session, "lee").id
    session.flush()
    assert queue(session, "carol") == []


def test_a_decided_request_waits_for_nobody(session: Session) -> None:
    requests.approve(asks(session, "carol"), ask(session, "alice", 10))
    assert queue(session, "carol") == []
