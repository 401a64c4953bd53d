"""Which state of a request may follow which, and what happens where it may not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlmodel import Session

from bot.database import Database
from models.ledger.transfer import Cause
from models.policy import versions
from models.quota.request import Request
from models.quota.request_state import OPEN, TRANSITIONS, UNCONFIRMED, RequestState
from models.refusal import AlreadyDecided
from tests.company import NOW, who

FINAL = [one for one in RequestState if one not in TRANSITIONS]


@pytest.fixture
def session(company: Database) -> Iterator[Session]:
    with Session(company.engine) as session:
        yield session
        session.rollback()


def request(session: Session, state: RequestState, now: datetime = NOW) -> Request:
    current = versions.current(session)
    assert current is not None
    found, _ = Request.ask(
        session, who(session, "pia"), 300_000_000, reason="", until=None, thread=None, smaller=None,
        policy=current, now=now,
    )  # fmt: skip
    found.state = state
    session.add(found)
    session.flush()
    return found


def cause() -> Cause:
    return Cause(NOW, "clock", "test")


def test_only_the_gateway_changes_the_state_of_a_granted_request() -> None:
    assert set(TRANSITIONS) == {*OPEN, *UNCONFIRMED}
    assert {after for one in UNCONFIRMED for after in TRANSITIONS[one]} == {
        RequestState.APPLIED,
        RequestState.APPLY_FAILED,
    }
    assert not {
        one for one, after in itertools.product(FINAL, RequestState) if after in TRANSITIONS.get(one, ())
    }


@pytest.mark.parametrize("state", OPEN)
def test_an_open_request_expires(session: Session, state: RequestState) -> None:
    found = request(session, state)
    assert found.expire(session, cause())
    assert found.state == RequestState.EXPIRED


@pytest.mark.parametrize("state", [*FINAL, *UNCONFIRMED])
def test_a_decided_request_neither_expires_nor_is_voided_nor_cancelled(
    session: Session, state: RequestState
) -> None:
    found = request(session, state)
    assert not found.expire(session, cause())
    assert not found.void(session, cause())
    with pytest.raises(AlreadyDecided):
        found.cancel(session, who(session, "pia"), cause())
    assert found.state == state


def test_a_failure_and_a_later_confirmation_of_the_gateway_are_each_reported_once(session: Session) -> None:
    found = request(session, RequestState.APPROVED)
    assert [found.mark_failed(session), found.mark_failed(session)] == [True, False]
    assert [found.confirm_applied(session), found.confirm_applied(session)] == [True, False]
    assert not found.mark_failed(session), "an applied grant does not fail any more"


@pytest.mark.parametrize("state", [*FINAL, *OPEN])
def test_the_gateway_changes_only_granted_requests(session: Session, state: RequestState) -> None:
    found = request(session, state)
    assert not found.mark_failed(session)
    assert not found.confirm_applied(session)
    assert found.state == state
