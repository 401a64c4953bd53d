"""Requests that wait at the same time share a transaction on Postgres; each is judged, and answered, as if it were alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlmodel import Session

from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.transactions import OutcomeUnknown
from handlers import lending
from handlers.language.reader import read_command
from models.ledger.account import AccountKind, account_of
from models.ledger.transfer import Kind, post
from models.messages.message import Message
from models.people.member import lock_members
from models.quota.loan import Loan
from models.refusal import NotLendable, NotUnderstood, TooSlow
from tests.actions import USD, available, balances, cause, open_loans, sound
from tests.company import NOW, asks, who
from tests.cut_proxy import cut_proxy
from tests.races import PATIENCE, wait_for_a_waiter
from tests.slack_env import PATIENT

Work = Callable[[Session], Any]
PAIRS = (("alice", "bob"), ("carol", "eve"), ("max", "dan"), ("olga", "quinn"))


@pytest.fixture
def one_writer(postgres_company: Database, postgres_schema: str) -> Iterator[Database]:
    """One thread that writes, so that what waits for it has to share."""
    database = Database(postgres_schema, writers=1)
    yield database
    database.close()


def lends(lender: str, borrower: str, usd: int = 10) -> Work:
    def work(session: Session) -> Any:
        ctx, other = asks(session, lender), who(session, borrower)
        return Loan.make(
            session, lender=ctx.me, borrower=other, amount=usd * USD, policy=ctx.policy, cause=cause()
        )

    return work


def together(database: Database, *works: Work, seconds: float = PATIENCE) -> list[Future[Any]]:
    """Submit these while the writer is busy with a request that takes no time of its own, and wait for all of them."""
    begun, go = threading.Event(), threading.Event()
    busy = database.submit(lambda session: begun.set() or go.wait(PATIENCE), time.monotonic() + PATIENCE)
    assert begun.wait(PATIENCE)
    found = [database.submit(work, time.monotonic() + seconds) for work in works]
    go.set()
    for one in (busy, *found):
        one.exception(PATIENCE)
    return found


def failures(futures: list[Future[Any]]) -> list[type[BaseException] | None]:
    return [type(no) if (no := one.exception()) is not None else None for one in futures]


def test_requests_that_wait_share_a_commit_and_one_posting_and_hear_after_it(one_writer: Database) -> None:
    commits, postings, heard, futures = list[int](), list[str](), list[bool](), list[Future[Any]]()

    def hears(_: object) -> None:
        commits.append(1)
        heard.extend(one.done() for one in futures)

    def note(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        postings.extend([sql] if "ledger_post_all" in sql else [])

    works: list[Work] = [lends(*pair) for pair in PAIRS]
    submit = one_writer.submit
    one_writer.submit = lambda *words: futures.append(submit(*words)) or futures[-1]  # type: ignore[method-assign,func-returns-value]
    event.listen(one_writer.engine, "commit", hears)
    event.listen(one_writer.engine, "before_cursor_execute", note)
    assert failures(together(one_writer, *works)) == [None] * 4
    assert (len(commits), len(postings)) == (1, 1)
    assert heard == [False] * 5
    assert open_loans(one_writer) == 4
    assert available(one_writer, "bob") == 110
    sound(one_writer)


def test_who_is_refused_undoes_nothing_of_the_others(one_writer: Database) -> None:
    def broken(session: Session) -> None:
        who(session, "bob").team = "x"
        session.flush()
        raise NotUnderstood("?")

    found = together(
        one_writer, lends("alice", "bob"), lends("carol", "eve", 90), broken, lends("max", "dan")
    )
    assert failures(found) == [None, NotLendable, NotUnderstood, None]
    assert open_loans(one_writer) == 2
    assert one_writer.transact(lambda session: who(session, "bob").team) == "design"
    sound(one_writer)


def test_two_lends_of_one_lender_are_judged_one_after_the_other(one_writer: Database) -> None:
    """The second one may not count on what the first has not posted yet: a fifth has to stay."""
    found = together(one_writer, lends("alice", "bob", 50), lends("alice", "eve", 40), lends("max", "dan"))
    assert failures(found) == [None, NotLendable, None]
    assert available(one_writer, "alice") == 50
    sound(one_writer)


def test_a_batch_that_crosses_a_floor_is_posted_one_by_one(one_writer: Database) -> None:
    def takes(usd: int) -> Work:
        def work(session: Session) -> None:
            source, target = (
                account_of(session, AccountKind.ALLOCATION, who(session, name).id, NOW)
                for name in ("alice", "bob")
            )
            post(session, Kind.LEND, usd * USD, source=source, target=target, cause=cause())

        return work

    found = together(one_writer, takes(60), takes(60), takes(40), lends("max", "dan"))
    assert [one.exception() is None for one in found] == [True, False, True, True]
    assert (available(one_writer, "alice"), available(one_writer, "bob")) == (0, 200)


def test_who_waits_for_a_row_does_not_keep_the_others_waiting(
    one_writer: Database, postgres_company: Database
) -> None:
    """It begins a transaction of its own: two that wait for each other's rows would be a deadlock."""
    with Session(postgres_company.engine) as other:
        lock_members(other, [who(other, "eve").id])
        begun, go = threading.Event(), threading.Event()
        one_writer.submit(lambda session: begun.set() or go.wait(PATIENCE), time.monotonic() + PATIENCE)
        assert begun.wait(PATIENCE)
        free, waits = (one_writer.submit(lends(*pair), time.monotonic() + PATIENCE) for pair in PAIRS[:2])
        go.set()
        assert free.exception(PATIENCE) is None
        wait_for_a_waiter(other)
        assert not waits.done()
        other.rollback()
    assert waits.exception(PATIENCE) is None
    sound(one_writer)


def test_opposite_batches_of_two_replicas_do_not_deadlock(one_writer: Database, postgres_schema: str) -> None:
    """Two commits with the same rows in opposite order."""
    other = Database(postgres_schema, writers=1)
    ask = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    before = one_writer.query(lambda session: session.connection().execute(ask).scalar_one())
    try:
        for number in range(1, 5):
            works = [lends(*pair, number) for pair in PAIRS]
            done = [
                database.submit(work, time.monotonic() + PATIENCE)
                for database, order in ((one_writer, works), (other, works[::-1]))
                for work in order
            ]
            assert failures(done) == [None] * 8
    finally:
        other.close()
    # A server that stands still for a second may take a wait of 20 ms for a deadlock.
    assert one_writer.query(lambda session: session.connection().execute(ask).scalar_one()) <= before + 1
    assert available(one_writer, "bob") == 120
    sound(one_writer)


def test_who_was_told_too_slow_is_not_committed_with_the_others(one_writer: Database) -> None:
    begun, go = threading.Event(), threading.Event()
    one_writer.submit(lambda session: begun.set() or go.wait(PATIENCE), time.monotonic() + PATIENCE)
    assert begun.wait(PATIENCE)
    until = time.monotonic() + 0.5

    def moves_bob(session: Session) -> None:
        who(session, "bob").team = "x"

    def slow(session: Session) -> None:
        while time.monotonic() < until:
            session.connection().execute(text("SELECT 1"))
        who(session, "eve").team = "y"

    late, rest = one_writer.submit(moves_bob, until), one_writer.submit(slow, until + PATIENCE)
    go.set()
    assert type(late.exception(PATIENCE)) is TooSlow
    assert rest.exception(PATIENCE) is None
    teams = one_writer.transact(lambda session: [who(session, name).team for name in ("bob", "eve")])
    assert teams == ["design", "y"]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_that_is_lost_is_unknown_to_all_who_shared_it(
    postgres_company: Database, postgres_schema: str, arrives: bool
) -> None:
    before = balances(postgres_company)
    with cut_proxy(make_url(postgres_schema)) as proxy:
        database = Database(proxy.url, writers=1)
        proxy.cut_at_commit(arrives=arrives, of="ledger_post_all")
        found = together(database, *(lends(*pair) for pair in PAIRS[:2]))
        assert failures(found) == [OutcomeUnknown] * 2
        database.close()
    assert (balances(postgres_company) != before) is arrives
    assert open_loans(postgres_company) == (2 if arrives else 0)
    sound(postgres_company)


def test_a_job_that_nobody_waits_for_shares_with_nobody(one_writer: Database) -> None:
    commits = list[int]()
    event.listen(one_writer.engine, "commit", lambda _: commits.append(1))
    begun, go = threading.Event(), threading.Event()
    busy = one_writer.submit(lambda session: begun.set() or go.wait(PATIENCE), time.monotonic() + PATIENCE)
    assert begun.wait(PATIENCE)
    job = one_writer.submit(lambda session: None, None)
    go.set()
    assert job.exception(PATIENCE) is busy.exception(PATIENCE) is None
    assert len(commits) == 2


def test_a_posting_is_seen_by_whoever_reads_on(company: Database) -> None:
    """Within its own request, before it is written with the rest."""

    def both(session: Session) -> str:
        lends("alice", "bob", 30)(session)
        return str(lending.repay(asks(session, "bob", key="back"), who(session, "alice"), None).text)

    assert "30" in company.transact(both)
    assert available(company, "alice") == 100
    sound(company)


async def test_the_same_words_that_wait_together_are_meant_once(
    request: pytest.FixtureRequest, company: Database
) -> None:
    """Who retypes while the database is busy has not been answered yet."""
    database = company if company.sqlite else request.getfixturevalue("one_writer")
    dispatcher, command = (
        Dispatcher(database, lambda: NOW, patience=PATIENT),
        read_command("lend <@U02BOB> 5", NOW.date()),
    )
    asked = [Request(f"slack:{number}", "slack:U01ALICE", command) for number in range(3)]
    said = [one.message for one in await asyncio.gather(*map(dispatcher.handle, asked))]
    assert [isinstance(one, Message) and "You lent" in one.text for one in said] == [True, False, False]
    assert available(company, "bob") == 105
    sound(company)
