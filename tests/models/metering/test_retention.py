"""Messages are deleted after their time, and never while something can still change them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from models.messages.outbox import Effect, promise
from models.metering.retention import purge_effects
from models.quota.request import Request
from models.quota.request_state import RequestState
from tests.actions import ask_for
from tests.company import NOW

KEPT = timedelta(days=30)
OLD = NOW - KEPT - timedelta(seconds=1)


def keep(session: Session, key: str, **more) -> None:
    promise(session, Effect(**({"key": key, "kind": "say", "due_at": OLD, "done_at": OLD} | more)))


def keys(session: Session) -> set[str]:
    return set(session.exec(select(Effect.key)).all())


def purge(database: Database) -> None:
    while database.transact(lambda session: purge_effects(session, NOW, KEPT)):
        """Another page."""


def test_ended_messages_are_deleted_after_their_time(company: Database) -> None:
    def write(session: Session) -> None:
        keep(session, "old")
        keep(session, "young", done_at=OLD + timedelta(seconds=2))
        keep(session, "waits", done_at=None)
        keep(session, "once", kind="mark")

    company.transact(write)
    purge(company)
    assert company.transact(keys) == {"young", "waits", "once"}


@pytest.mark.parametrize(("state", "stays"), [(RequestState.PENDING, True), (RequestState.DECLINED, False)])
def test_the_cards_of_an_open_request_stay(company: Database, state: RequestState, stays: bool) -> None:
    def write(session: Session) -> None:
        request = session.exec(select(Request)).one()
        request.state = state
        keep(session, "card", about=request.about)

    ask_for(company, "alice", 50)
    company.transact(write)
    purge(company)
    assert ("card" in company.transact(keys)) is stays
