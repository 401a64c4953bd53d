"""Loops beside the requests go on when the outcome of a COMMIT of theirs is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bot.app import connected
from bot.database import Database
from bot.gateways import leader
from bot.gateways.leader import Leader
from bot.messengers.dingtalk.client import Api
from bot.messengers.dingtalk.tally import Tally
from models.metering.vendor_calls import counted, month_of
from tests.company import NOW
from tests.gateway_env import until


@contextmanager
def commits_lost(database: Database) -> Iterator[list[int]]:
    """Each COMMIT loses its connection. Yields one number for each."""
    lost: list[int] = []

    def lose(_: object) -> None:
        lost.append(1)
        raise OperationalError("COMMIT", None, Exception("the connection is lost"))

    event.listen(database.engine, "commit", lose)
    yield lost
    event.remove(database.engine, "commit", lose)


async def test_the_leader_goes_on_beating(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Leader(sqlite, lambda: NOW, kind="litellm", enforce=True, name="")
    assert await found.lead()
    monkeypatch.setattr(leader, "LEASE", timedelta(seconds=0.04))
    beating = asyncio.create_task(found.beat())
    with commits_lost(sqlite) as lost:
        await until(lambda: len(lost) > 2)
    assert not beating.done()
    beating.cancel()


async def test_calls_that_could_not_be_counted_are_counted_by_the_next_write(sqlite: Database) -> None:
    tally = Tally(sqlite, lambda: NOW)
    tally.add(Api("card", "/card"))
    with commits_lost(sqlite):
        await tally.write()
    await tally.write()
    rows = sqlite.query(lambda session: counted(session, month_of(NOW)))
    assert [(one.api, one.calls) for one in rows] == [("card", 1)]


async def test_where_there_is_no_messenger_nothing_is_waited_for() -> None:
    async with asyncio.timeout(5):
        await connected({})
