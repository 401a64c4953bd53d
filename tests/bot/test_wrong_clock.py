"""A clock that jumped: more than one period waits for an operator, and nothing else ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import structlog
from sqlmodel import select

from bot.database import Database
from bot.worker import Worker
from models.messages.message import Message
from models.messages.outbox import Effect
from models.quota.closing import overdue
from models.quota.period import Period
from models.quota.policy_change import move_on
from models.quota.request_state import RequestState
from tests.actions import DECEMBER, after, ask_for, request
from tests.company import NOW, who

AHEAD = NOW + timedelta(days=70)


async def page(_: str) -> Message:
    raise NotImplementedError


def clockwork(database: Database, now: datetime) -> Worker:
    """A worker without messengers whose clock says `now`."""
    return Worker(database, lambda: now, {}, page)


def told(database: Database, name: str) -> list[str]:
    member = database.query(lambda session: who(session, name).id)
    says = database.query(lambda session: session.exec(select(Effect).where(Effect.kind == "say")).all())
    return [one.payload["message"]["text"] for one in says if one.payload["reader"] == member]


def periods(database: Database) -> int:
    return database.query(lambda session: len(session.exec(select(Period)).all()))


async def test_a_clock_seventy_days_ahead_closes_nothing_and_says_so(company: Database) -> None:
    code = ask_for(company, "alice", 50)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            await clockwork(company, AHEAD).schedule()
            await clockwork(company, AHEAD).drain()
    assert periods(company) == 1
    assert request(company, code).state == RequestState.PENDING, "nothing ends by itself"
    (text,) = [one for one in told(company, "ops") if "tick --yes" in one]
    assert "18 Jan 2027" in text
    assert "30 Nov" in text
    assert "2 periods" in text
    assert [one["periods"] for one in logs if "far ahead" in one["event"]] == [2]


async def test_when_the_clock_is_right_again_all_goes_on(company: Database) -> None:
    await clockwork(company, AHEAD).schedule()
    await clockwork(company, AHEAD).drain()
    await clockwork(company, DECEMBER).schedule()
    await clockwork(company, DECEMBER).drain()
    assert periods(company) == 2


@pytest.mark.parametrize("several", [False, True])
def test_an_operators_yes_closes_one_period_after_the_other(company: Database, several: bool) -> None:
    while company.transact(lambda session: move_on(session, AHEAD, several=several)):
        pass
    assert periods(company) == (3 if several else 1)
    assert bool(company.query(lambda session: overdue(session, AHEAD))) is not several


def test_a_period_that_turns_already_is_finished_and_the_next_one_waits(company: Database) -> None:
    company.transact(lambda session: move_on(session, DECEMBER))
    while company.transact(lambda session: move_on(session, after(days=120))):
        pass
    assert periods(company) == 2
    assert company.transact(lambda session: Period.current(session).starts_at) == DECEMBER
