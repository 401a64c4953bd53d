"""A look of one statement is asked in the event loop, and a thread asks whatever the loop cannot."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from bot.look import WouldWrite
from models.people.member import Member, found_at
from models.policy import meeting
from models.refusal import TooSlow
from models.statement import Question, Statement
from tests.company import NOW

ALICE = "slack:U01ALICE"
_QUIT = Statement(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
_ALONE = Statement("SELECT COUNT(*) FROM member")


def name(session: Session) -> tuple[str, str]:
    return found_at(session, ALICE)[0].name, threading.current_thread().name.partition("_")[0]


async def look(database: Database, work: Any = name) -> Any:
    return await database.look(meeting.question(ALICE), work, within=5)


async def test_a_look_of_one_statement_wakes_no_thread(company: Database) -> None:
    for _ in range(2):
        assert await look(company) == ("Alice", "MainThread")


async def test_a_look_that_asks_more_begins_anew_at_one_moment(company: Database) -> None:
    def twice(session: Session) -> tuple[str, int]:
        counted = _ALONE.one(session)[0]
        return name(session)[1], counted - len(session.exec(select(Member)).all())

    assert await look(company, twice) == ("reader", 0)


async def test_a_look_that_would_write_says_so(company: Database) -> None:
    def rename(session: Session) -> None:
        found_at(session, ALICE)[0].name = "Nina"

    def add(session: Session) -> None:
        session.add(Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW))

    for work in (rename, add):
        with pytest.raises(WouldWrite):
            await look(company, work)
    names = company.query(
        lambda session: session.exec(select(Member).where(col(Member.name) == "Nina")).all()
    )
    assert names == []


async def test_a_broken_connection_is_replaced_and_a_thread_answers(company: Database) -> None:
    await look(company)
    asking: Any = company._asking
    if company.sqlite:
        asking._raw.close()
    else:
        company.transact(_QUIT.all)
    assert await look(company) == ("Alice", "reader")
    assert await look(company) == ("Alice", "MainThread")


async def test_more_looks_at_once_than_connections_are_all_answered(company: Database) -> None:
    seen = await asyncio.gather(*(look(company) for _ in range(20)))
    assert {one for one, _ in seen} == {"Alice"}


async def test_a_server_that_does_not_answer_keeps_nobody_waiting(postgres_company: Database) -> None:
    sleeping = Question(Statement("SELECT pg_sleep(60)"), {}, lambda *_: None)
    began = time.monotonic()
    with pytest.raises(TooSlow):
        await postgres_company.look(sleeping, name, within=0.05)
    assert time.monotonic() - began < 30
    assert (await look(postgres_company))[0] == "Alice"
