"""`run` commits what a function did, or nothing of it; within its time, or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, func, select

from bot.database import Database
from bot.look import WouldWrite
from bot.transactions import SHARED
from models.people.member import Member
from models.refusal import NotUnderstood, TooSlow
from models.statement import Statement
from tests.company import NOW, who

BOUND = 20


def add(session: Session, name: str) -> int:
    member = Member(name=name, email=f"{name}@corp.example", gateway_id=name, joined_at=NOW)
    session.add(member)
    session.flush()
    return member.id


def names(database: Database) -> list[str]:
    return sorted(database.transact(lambda session: session.exec(select(Member.name)).all()))


async def test_a_write_is_committed(database: Database) -> None:
    assert await database.write(lambda session: add(session, "nina")) == 1
    assert names(database) == ["nina"]


@pytest.mark.parametrize("error", [NotUnderstood("?"), ZeroDivisionError(), KeyError("x")])
async def test_a_write_that_raises_changes_nothing(database: Database, error: Exception) -> None:
    def work(session: Session) -> None:
        add(session, "nina")
        raise error

    with pytest.raises(type(error)):
        await database.write(work)
    assert names(database) == []


async def test_a_commit_that_fails_does_not_stop_the_next_write(database: Database) -> None:
    def fails(_: object) -> None:
        event.remove(database.engine, "commit", fails)
        raise ZeroDivisionError

    event.listen(database.engine, "commit", fails)
    with pytest.raises(ZeroDivisionError):
        await database.write(lambda session: add(session, "otto"))
    await database.write(lambda session: add(session, "nina"))
    assert names(database) == ["nina"]


async def test_a_write_alone_needs_no_savepoint(sqlite: Database) -> None:
    seen: list[str] = []
    event.listen(sqlite.engine, "before_cursor_execute", lambda *given: seen.append(given[2]), retval=False)
    await sqlite.write(lambda session: add(session, "nina"))
    with pytest.raises(ZeroDivisionError):
        await sqlite.write(lambda session: add(session, "otto") // 0)
    assert names(sqlite) == ["nina"]
    assert not [one for one in seen if "SAVEPOINT" in one]


async def test_a_row_that_was_not_flushed_is_committed_too(database: Database) -> None:
    await database.write(
        lambda session: session.add(
            Member(name="nina", email="n@corp.example", gateway_id="n", joined_at=NOW)
        )
    )
    assert names(database) == ["nina"]


async def test_a_failed_write_does_not_fail_the_others_of_its_batch(database: Database) -> None:
    """On SQLite those that wait together share a commit, each in its savepoint."""

    def work(session: Session, number: int) -> None:
        add(session, f"n{number:02}")
        if number % 3 == 0:
            raise NotUnderstood(str(number))
        if number % 3 == 1:
            add(session, f"n{number:02}")  # the same e-mail: the database refuses

    answers = await asyncio.gather(
        *(database.write(lambda session, n=n: work(session, n)) for n in range(30)), return_exceptions=True
    )
    assert names(database) == [f"n{n:02}" for n in range(2, 30, 3)]
    refused, broken = answers[0::3], answers[1::3]
    assert all(isinstance(one, NotUnderstood) for one in refused)
    assert all(isinstance(one, IntegrityError) for one in broken)


async def test_a_write_that_meets_a_duplicate_key_runs_again(postgres: Database) -> None:
    """Two are first with one key: the loser is run again and finds it."""
    ready = threading.Barrier(2, timeout=BOUND)
    tries = []

    def work(session: Session) -> int:
        tries.append(1)
        found = session.exec(select(Member.id).where(Member.name == "nina")).first()
        if len(tries) <= 2:
            ready.wait()
        return found or add(session, "nina")

    one, other = await asyncio.gather(postgres.write(work), postgres.write(work))
    assert one == other
    assert len(tries) == 3


async def test_a_write_past_its_deadline_does_not_begin(database: Database) -> None:
    with pytest.raises(TooSlow):
        await database.write(lambda session: add(session, "nina"), within=-1)
    assert names(database) == []


async def test_a_write_that_ends_after_its_deadline_is_rolled_back(database: Database) -> None:
    def work(session: Session) -> None:
        add(session, "nina")
        while time.monotonic() < begun + 0.3:
            session.connection().execute(text("SELECT 1"))

    begun = time.monotonic()
    with pytest.raises(TooSlow):
        await database.write(work, within=0.25)
    assert names(database) == []


async def test_a_statement_past_the_deadline_is_cancelled(postgres: Database) -> None:
    with pytest.raises(TooSlow):
        await postgres.write(
            lambda session: session.connection().execute(text("SELECT pg_sleep(30)")), within=0.3
        )


async def test_a_flush_past_the_deadline_is_cancelled(postgres: Database) -> None:
    """What was added is written after the function has returned, and may wait for somebody's row then."""
    postgres.transact(lambda session: add(session, "nina"))
    holds, done = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        session.connection().execute(text("UPDATE member SET team = 'x'"))
        holds.set()
        assert done.wait(BOUND)

    def late(session: Session) -> None:
        nina = session.exec(select(Member)).one()
        nina.team = "y"
        session.add(nina)

    holding = postgres.submit(hold, None)
    assert await asyncio.to_thread(holds.wait, BOUND)
    try:
        with pytest.raises(TooSlow):
            await postgres.write(late, within=0.4)
    finally:
        done.set()
        holding.result(BOUND)


async def test_a_read_does_not_wait_for_a_writer(database: Database) -> None:
    database.transact(lambda session: add(session, "nina"))
    holds, done = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        add(session, "olaf")
        holds.set()
        assert done.wait(BOUND)

    holding = database.submit(hold, None)
    assert await asyncio.to_thread(holds.wait, BOUND)
    try:
        assert await asyncio.wait_for(database.read(everybody), BOUND / 4) == ["nina"]
    finally:
        done.set()
        holding.result(BOUND)
    assert await database.read(everybody) == ["nina", "olaf"]


def everybody(session: Session) -> list[str]:
    return sorted(session.exec(select(Member.name)).all())


async def test_a_read_sees_one_snapshot(database: Database) -> None:
    def twice(session: Session) -> tuple[list[str], list[str]]:
        before = everybody(session)
        database.transact(lambda other: add(other, "nina"))
        return before, everybody(session)

    assert await database.read(twice) == ([], [])
    assert names(database) == ["nina"]


async def test_the_orm_sees_the_moment_at_which_a_statement_has_looked(database: Database) -> None:
    await database.write(lambda session: add(session, "nina"))
    count = Statement("SELECT COUNT(*) FROM member", row=int)

    def work(session: Session) -> tuple[int, list[str]]:
        seen = count.one(session)
        database.transact(lambda other: add(other, "omar"))
        return seen, list(session.exec(select(Member.name)).all())

    assert await database.read(work) == (1, ["nina"])
    assert names(database) == ["nina", "omar"]


async def test_a_look_of_one_statement_that_asks_another_begins_anew_at_one_moment(
    database: Database,
) -> None:
    count, looks = Statement("SELECT COUNT(*) FROM member", row=int), list[int]()

    def work(session: Session) -> tuple[int, int]:
        looks.append(count.one(session))
        database.transact(lambda other: add(other, f"n{len(looks)}"))
        return looks[-1], count.one(session)

    assert await database.read(count.one, single=True) == 0
    assert await database.read(work, single=True) == (1, 1)
    assert looks == [0, 1]


async def test_a_read_cannot_write(database: Database) -> None:
    database.transact(lambda session: add(session, "nina"))

    def rename(session: Session) -> None:
        session.exec(select(Member)).one().name = "olaf"

    for work in (rename, lambda session: add(session, "olaf")):
        with pytest.raises(WouldWrite):
            await database.read(work)
    with pytest.raises(DBAPIError):
        await database.read(lambda session: session.connection().execute(text("DELETE FROM member")))
    assert names(database) == ["nina"]


def test_a_read_on_postgres_is_a_read_only_transaction(postgres: Database) -> None:
    ask = text("SELECT current_setting('transaction_read_only'), current_setting('transaction_isolation')")
    found = postgres.query(lambda session: session.connection().execute(ask).one())
    assert tuple(found) == ("on", "repeatable read")


def test_a_read_does_not_change_the_journal_mode_of_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    mode = database.query(
        lambda session: session.connection().exec_driver_sql("PRAGMA journal_mode").scalar()
    )
    assert mode == "delete"
    database.close()


async def test_a_read_past_its_deadline_is_too_slow(database: Database) -> None:
    with pytest.raises(TooSlow):
        await database.read(everybody, within=-1)


async def test_a_cancelled_request_that_has_not_begun_does_not_begin(sqlite: Database) -> None:
    holds, done = threading.Event(), threading.Event()
    first = sqlite.submit(lambda session: holds.set() or done.wait(BOUND), None)
    assert await asyncio.to_thread(holds.wait, BOUND)
    waiting = asyncio.ensure_future(sqlite.write(lambda session: add(session, "nina")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    done.set()
    first.result(BOUND)
    assert names(sqlite) == []


def test_writes_that_wait_together_share_commits(sqlite: Database) -> None:
    holds, done, commits = threading.Event(), threading.Event(), []
    first = sqlite.submit(lambda session: holds.set() or done.wait(BOUND), None)
    assert holds.wait(BOUND)
    event.listen(sqlite.engine, "commit", lambda _: commits.append(1))
    rest = [sqlite.submit(lambda session, n=n: add(session, f"n{n}"), None) for n in range(2 * SHARED)]
    done.set()
    first.result(BOUND)
    assert len({one.result(BOUND) for one in rest}) == 2 * SHARED
    assert len(commits) <= 4


def test_a_write_waits_for_another_process_that_is_writing(sqlite: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "quotabot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = sqlite.submit(lambda session: add(session, "nina"), None)
    with pytest.raises(TooSlow):
        sqlite.submit(lambda session: add(session, "olaf"), time.monotonic() + 0.2).result(BOUND)
    other.execute("COMMIT")
    assert waiting.result(BOUND) == 1
    assert names(sqlite) == ["nina"]
    other.close()


def test_there_is_one_writer_thread_for_many_first_writes(sqlite_template: Path, tmp_path: Path) -> None:
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(20):
            database = Database(f"sqlite:///{tmp_path / f'{number}.db'}")
            before = writers()
            gate = threading.Barrier(8, timeout=BOUND)

            def go(one: Database = database, at: threading.Barrier = gate) -> object:
                at.wait()
                return one.submit(lambda session: None, None).result(BOUND)

            with ThreadPoolExecutor(8) as pool:
                for each in [pool.submit(go) for _ in range(8)]:
                    each.result(BOUND)
            assert writers() - before == 1
            database.close()
    finally:
        sys.setswitchinterval(switching)


def writers() -> int:
    return sum(thread.name == "writer" for thread in threading.enumerate())


def test_a_database_that_answers_is_alive(database: Database) -> None:
    assert database.alive()


def test_a_database_that_cannot_be_reached_is_not_alive() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    assert not database.alive()
    database.close()


def test_the_liveness_check_does_not_wait_for_the_writer(sqlite: Database) -> None:
    holds, done = threading.Event(), threading.Event()
    writing = sqlite.submit(lambda session: holds.set() or done.wait(BOUND), None)
    assert holds.wait(BOUND)
    assert sqlite.alive()
    done.set()
    writing.result(BOUND)


def test_closing_finishes_the_submitted_writes(database: Database) -> None:
    futures = [database.submit(lambda session, n=n: add(session, f"n{n}"), None) for n in range(20)]
    database.close()
    assert all(future.done() and future.exception() is None for future in futures)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_sqlite_is_durable_and_enforces_keys(sqlite: Database, pragma: str, value: object) -> None:
    def ask(session: Session) -> object:
        return session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar_one()

    assert sqlite.transact(ask) == value


def test_a_reference_to_an_absent_row_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.transact(add_with_manager)
    assert (
        database.transact(lambda session: session.exec(select(func.count()).select_from(Member)).one()) == 0
    )


def add_with_manager(session: Session) -> None:
    session.add(Member(name="x", email="x@corp.example", gateway_id="x", manager_id=99, joined_at=NOW))
    session.flush()


def test_a_new_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "private.db"
    database = Database(f"sqlite:///{path}")
    database.transact(lambda session: session.connection().exec_driver_sql("CREATE TABLE one (id INTEGER)"))
    modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
    database.close()
    assert modes["private.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_look_goes_on_without_what_it_would_write_where_nothing_can_be_written(
    company: Database,
) -> None:
    def look(session: Session) -> str:
        alice = who(session, "alice")
        alice.role = "changed"
        return f"{alice.role} {who(session, 'bob').name}"

    with pytest.raises(WouldWrite):
        await company.read(look)
    assert await company.read(look, dropping=True) == "changed Bob"
    assert company.query(lambda session: who(session, "alice").role) != "changed"
