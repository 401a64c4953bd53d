"""Start transactions at the same moment, or hold one until another waits for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlmodel import Session

from bot.database import Database
from models.people.member import Address, Member
from models.quota.allocation import welcome_all
from models.refusal import (
    Refusal,
)
from tests.company import NOW

PATIENCE = 120
"""Seconds after which a test says that something hangs."""


def at_once(database: Database, actions: list[Callable[[Session], Any]], threads: int = 16) -> list[Any]:
    """Submit all actions from threads that start together. Returns results and refusals in order."""
    gate = threading.Barrier(min(threads, len(actions)))

    def go(work: Callable[[Session], Any]) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(timeout=0.5)
        try:
            # In time, as a request is: on Postgres they share commits.
            return database.submit(work, time.monotonic() + PATIENCE).result(PATIENCE)
        except Refusal as no:
            return no

    with ThreadPoolExecutor(threads) as pool:
        return [one.result(PATIENCE) for one in [pool.submit(go, deed) for deed in actions]]


def crowd(database: Database, size: int) -> list[str]:
    """This many colleagues with 100 USD each, who can all borrow."""

    def run(session: Session) -> None:
        for number in range(size):
            name = f"c{number}"
            member = Member(
                name=name, email=f"{name}@corp.example", gateway_id=name, joined_at=NOW, team="design"
            )
            session.add(member)
            session.flush()
            Address.give(session, member, f"slack:{name}")
            welcome_all(session, [member.id], NOW)

    database.transact(run)
    return [f"c{number}" for number in range(size)]


def kinds(answers: list[Any]) -> Counter[str]:
    return Counter(type(one).__name__ for one in answers)


def wait_for_a_waiter(session: Session) -> None:
    """Return once another transaction waits for a lock (pg_stat_activity does not change within a transaction)."""
    for _ in range(20_000):
        waiting = session.connection().exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        if waiting.scalar_one():
            return
        session.connection().exec_driver_sql("SELECT pg_sleep(0.002)")
    raise AssertionError("nobody waits")


def held(
    database: Database, first: Callable[[Session], Any], second: Callable[[Session], Any]
) -> tuple[Any, Any]:
    """`first` commits only once `second` waits for it. Returns the results or refusals of both."""
    worked = threading.Event()

    def holding(session: Session) -> Any:
        result = first(session)
        session.flush()
        worked.set()
        wait_for_a_waiter(session)
        return result

    def outcome(future: Future[Any]) -> Any:
        try:
            return future.result(PATIENCE)
        except Refusal as no:
            return no

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(database.transact, holding)
        assert worked.wait(PATIENCE)
        other = pool.submit(database.transact, second)
        return outcome(one), outcome(other)
