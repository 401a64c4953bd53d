"""Many at once: real threads on real databases. Exactly what fits happens, and everybody is answered."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from bot import dispatch
from bot.database import Database
from bot.dispatch import Dispatcher, Outcome
from bot.messengers.port import Request as Asking
from handlers import lending, requests
from handlers.clock.requests import requests_due
from handlers.gateway import limits
from models.ledger.transfer import Kind, Transfer
from models.messages.message import Message
from models.messages.outbox import Effect, claim
from models.messages.receipt import Receipt
from models.metering.reading import Reading
from models.people.member import Address, Member
from models.quota.allocation import welcome_all
from models.quota.closing import advance, begin_turn
from models.quota.leaving import leave
from models.quota.loan import Loan
from models.quota.request import Request, find
from models.refusal import (
    AlreadyDecided,
    PeriodClosing,
    Refusal,
    Replaced,
)
from tests.actions import DECEMBER, USD, ask_for, available, cause, ctx, has, open_loans, say, sound, spend
from tests.company import CAST, NOW, asks, settle_company, who

PATIENCE = 30


def at_once(database: Database, actions: list[Callable[[Session], Any]], threads: int = 16) -> list[Any]:
    """Submit all of them from many threads that start together; results and refusals in order."""
    gate = threading.Barrier(min(threads, len(actions)))

    def go(work: Callable[[Session], Any]) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(timeout=0.5)
        try:
            return database.submit(work, None).result(PATIENCE)
        except Refusal as no:
            return no

    with ThreadPoolExecutor(threads) as pool:
        return [one.result(PATIENCE) for one in [pool.submit(go, deed) for deed in actions]]


def crowd(database: Database, size: int) -> list[str]:
    """So many colleagues with 100 USD each, who all can borrow."""

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


def test_of_fifty_lends_at_once_exactly_those_that_fit_happen(company: Database) -> None:
    """Lendable is 100 (500 less 20 % is 400, of which 300 are spent): ten lends of 10."""
    people = crowd(company, 50)
    spend(company, "quinn", 300)

    def deed(name: str) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, "quinn", key=f"to:{name}"), who(session, name), 10 * USD
        )

    answers = at_once(company, [deed(name) for name in people])
    assert kinds(answers) == {"Message": 10, "NotLendable": 40}
    assert (has(company, "quinn").allocation, open_loans(company)) == (100 * USD, 10)
    sound(company)


def test_two_hundred_clicks_on_one_request_decide_it_once(company: Database) -> None:
    """Carol approves and declines, Bob cancels, a stranger tries: one decision, at most one grant, 200 answers."""
    code = ask_for(company, "bob", 30)
    clicks: list[Callable[[Session], Any]] = []
    for number in range(50):
        clicks += [
            lambda session, n=number: requests.approve(asks(session, "carol", key=f"yes{n}"), code),
            lambda session, n=number: requests.decline(asks(session, "carol", key=f"no{n}"), code, "not now"),
            lambda session, n=number: requests.cancel(asks(session, "bob", key=f"back{n}"), code),
            lambda session, n=number: requests.approve(
                asks(session, "carol", key=f"less{n}"), code, 10 * USD
            ),
        ]
    answers = at_once(company, clicks)
    assert kinds(answers) == {"Message": 1, "AlreadyDecided": 199}
    decided = company.transact(lambda session: find(session, code, who(session, "carol")))
    assert {(one.state, one.granted) for one in answers if isinstance(one, AlreadyDecided)} == {
        (decided.state, decided.granted)
    }
    grants = company.transact(
        lambda session: session.exec(select(Transfer).where(Transfer.kind == Kind.GRANT)).all()
    )
    assert [one.amount for one in grants] == ([decided.granted] if decided.state == "applied" else [])
    sound(company)


def test_opposite_lends_at_once_do_not_wait_for_each_other_for_ever(company: Database) -> None:
    def deed(lender: str, borrower: str, number: int) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, lender, key=f"{lender}{number}"), who(session, borrower), 1 * USD
        )

    both = [deed(*pair, number) for number in range(20) for pair in (("alice", "bob"), ("bob", "alice"))]
    answers = at_once(company, both)
    assert set(kinds(answers)) <= {"Message", "HoldsBorrowed"}
    assert kinds(answers)["Message"] == 20, (
        "whoever lent first goes on lending; the other holds borrowed quota"
    )
    sound(company)


def test_a_circle_of_lends_is_no_knot(company: Database) -> None:
    ring = ["alice", "bob", "carol", "eve", "max"]
    actions = [
        lambda session, a=a, b=b, n=n: lending.lend(asks(session, a, key=f"{a}{n}"), who(session, b), USD)
        for n in range(8)
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    assert set(kinds(at_once(company, actions))) <= {"Message", "HoldsBorrowed"}
    sound(company)


def test_lends_that_race_with_the_close_are_either_in_it_or_refused(company: Database) -> None:
    people = crowd(company, 20)

    def close(session: Session) -> Any:
        return begin_turn(session, DECEMBER) and None

    def deed(name: str) -> Callable[[Session], Any]:
        return lambda session: lending.lend(
            asks(session, name, key=f"by:{name}"), who(session, "quinn"), 5 * USD
        )

    first, rest = people[:10], people[10:]
    actions = [*map(deed, first[:2]), close, *map(deed, [*first[2:], *rest])]
    answers = at_once(company, actions)
    assert set(kinds(answers)) <= {"Message", "PeriodClosing", "NoneType", "CannotBorrowNow"}, kinds(answers)
    while company.transact(lambda session: advance(session, DECEMBER)):
        sound(company)
    assert open_loans(company) == 0
    assert {available(company, name) for name in people} == {100}
    sound(company)


def test_who_waited_for_the_close_hears_that_it_is_closing(postgres: Database) -> None:
    """The row that a lend waits for is closed under it; the next one is not in its snapshot."""
    settle_company(postgres)
    _, answer = held(
        postgres,
        lambda session: begin_turn(session, DECEMBER),
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
    )
    assert isinstance(answer, PeriodClosing)


def wait_for_a_waiter(session: Session) -> None:
    """Go on once somebody else waits for a lock (pg_stat_activity would stand still within a transaction)."""
    for _ in range(1000):
        waiting = session.connection().exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        if waiting.scalar_one():
            return
        session.connection().exec_driver_sql("SELECT pg_sleep(0.002)")
    raise AssertionError("nobody waits")


def held(
    database: Database, first: Callable[[Session], Any], second: Callable[[Session], Any]
) -> tuple[Any, Any]:
    """`first` does its work and commits only once `second` waits for it; what both gave, or how they were refused."""
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


def test_a_request_declined_while_it_is_amended_is_declined_or_amended(postgres: Database) -> None:
    settle_company(postgres)
    code = ask_for(postgres, "bob", 30)
    _, amended = held(
        postgres,
        lambda session: requests.decline(asks(session, "carol", key="no"), code, "not now"),
        lambda session: requests.request(asks(session, "bob", key="more"), 40 * USD),
    )
    assert isinstance(amended, Message)
    old, new = postgres.transact(
        lambda session: session.exec(select(Request).order_by(col(Request.id))).all()
    )
    assert (old.state, old.code, old.amount) == ("declined", code, 30 * USD)
    assert (new.state, new.amount) == ("pending", 40 * USD)


def test_a_request_amended_while_it_is_declined_stays_open(postgres: Database) -> None:
    settle_company(postgres)
    code = ask_for(postgres, "bob", 30)
    _, declined = held(
        postgres,
        lambda session: requests.request(asks(session, "bob", key="more"), 40 * USD),
        lambda session: requests.decline(asks(session, "carol", key="no"), code, "not now"),
    )
    assert isinstance(declined, Replaced)
    assert postgres.transact(lambda session: session.exec(select(Request)).one()).state == "pending"


def test_a_cancelled_request_is_not_revived_by_its_escalation(postgres: Database) -> None:
    settle_company(postgres)
    code = ask_for(postgres, "cfo", 30)  # nobody can be asked: unroutable

    def find_somebody(session: Session) -> None:
        cfo = who(session, "cfo")
        cfo.manager_id = who(session, "olga").id
        session.add(cfo)

    postgres.transact(find_somebody)
    held(
        postgres,
        lambda session: requests.cancel(asks(session, "cfo", key="back"), code),
        lambda session: requests_due(ctx(session, NOW)),
    )
    assert postgres.transact(lambda session: find(session, code, who(session, "cfo"))).state == "cancelled"


def test_nobody_lends_to_somebody_who_leaves_at_that_moment(postgres: Database) -> None:
    settle_company(postgres)
    _, answer = held(
        postgres,
        lambda session: leave(session, who(session, "bob"), NOW),
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
    )
    assert type(answer).__name__ == "NotAColleague"
    sound(postgres)


def test_a_loan_made_while_its_borrower_leaves_is_closed_with_the_rest(postgres: Database) -> None:
    settle_company(postgres)
    held(
        postgres,
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD),
        lambda session: leave(session, who(session, "bob"), NOW),
    )
    assert (open_loans(postgres), available(postgres, "alice")) == (0, 100)
    sound(postgres)


def test_forgiving_and_repaying_the_same_debt_at_once_is_not_both(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 150)
    actions: list[Callable[[Session], Any]] = [
        lambda session: lending.forgive(asks(session, "alice", key="gone"), who(session, "bob"), None)
    ] * 3
    answers = at_once(company, actions)
    assert kinds(answers)["Message"] == 1
    assert set(kinds(answers)) <= {"Message", "NoSuchLoan", "NothingOwed"}
    sound(company)


def test_a_debt_is_not_forgiven_while_the_close_collects_it(postgres: Database) -> None:
    settle_company(postgres)
    say(postgres, lending.lend, "alice", "bob", 50 * USD)
    spend(postgres, "bob", 150)
    postgres.transact(lambda session: begin_turn(session, DECEMBER))

    def pieces(session: Session) -> None:
        while advance(session, DECEMBER):
            pass

    held(
        postgres,
        pieces,
        lambda session: Loan.forgive(
            session, lender=who(session, "alice"), borrower=who(session, "bob"), amount=None, cause=cause()
        ),
    )
    sound(postgres)


def test_a_card_changed_while_it_is_fetched_for_sending_is_changed_there_too(postgres: Database) -> None:
    """Claimed with its old words, so a replacement has to follow."""
    settle_company(postgres)
    code = ask_for(postgres, "bob", 30)
    held(
        postgres,
        lambda session: claim(session, NOW) and None,
        lambda session: requests.cancel(asks(session, "bob", key="back"), code),
    )
    left = postgres.transact(
        lambda session: session.exec(select(Effect).where(Effect.kind == "replace")).all()
    )
    assert len(left) == 1


def test_somebody_who_joins_while_the_month_closes_gets_their_quota(postgres: Database) -> None:
    settle_company(postgres)
    postgres.transact(lambda session: begin_turn(session, DECEMBER))

    def pieces(session: Session) -> None:
        while advance(session, DECEMBER):
            pass

    def join(session: Session) -> None:
        member = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=DECEMBER)
        session.add(member)
        session.flush()
        welcome_all(session, [member.id], DECEMBER)

    held(postgres, pieces, join)
    assert available(postgres, "nina") == 100


# Through the dispatcher


def asking(name: str, words: str, key: str) -> Asking:
    return Asking(key, f"slack:{CAST[name][0]}", (words,))


async def test_one_key_delivered_four_times_at_once_has_one_effect_and_one_answer(company: Database) -> None:
    dispatcher = Dispatcher(company, lambda: NOW)
    lend = asking("alice", "lend <@U02BOB> 80", "evt1")
    answers = await asyncio.gather(*(dispatcher.handle(lend) for _ in range(4)))
    assert len({repr(one) for one in answers}) == 1
    assert not answers[0].refused
    assert has(company, "bob").borrowed == 80 * USD
    assert (
        company.transact(lambda session: session.exec(select(func.count()).select_from(Receipt)).one()) == 1
    )
    assert company.transact(lambda session: session.exec(select(func.count()).select_from(Effect)).one()) == 1
    sound(company)


async def test_one_click_delivered_four_times_at_once_grants_once(company: Database) -> None:
    dispatcher, code = Dispatcher(company, lambda: NOW), ask_for(company, "bob", 30)
    click = Asking("click1", f"slack:{CAST['carol'][0]}", ("request.approve", code))
    answers = await asyncio.gather(*(dispatcher.handle(click) for _ in range(4)))
    assert len({repr(one) for one in answers}) == 1
    assert not answers[0].refused
    assert available(company, "bob") == 130
    sound(company)


async def test_everybody_in_a_crowd_of_clicks_is_answered_with_who_decided(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "PATIENCE", 60.0)  # a slow machine is not what is tried here
    dispatcher, code = Dispatcher(company, lambda: NOW), ask_for(company, "bob", 30)
    carol, bob = f"slack:{CAST['carol'][0]}", f"slack:{CAST['bob'][0]}"
    clicks = [
        Asking(
            f"c{n}",
            bob if n % 3 == 2 else carol,
            ("request.cancel" if n % 3 == 2 else "request.approve", code),
        )
        for n in range(40)
    ]
    answers: list[Outcome] = await asyncio.gather(*(dispatcher.handle(click) for click in clicks))
    assert sum(not one.refused for one in answers) == 1
    assert all(isinstance(one.message, Message) and one.message.text for one in answers)
    receipts = company.transact(lambda session: session.exec(select(func.count()).select_from(Receipt)).one())
    assert receipts == 40
    sound(company)


# What one writer is for


def two_connections(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    both = [sqlite3.connect(path, isolation_level=None, timeout=0) for _ in range(2)]
    return both[0], both[1]


READ = "SELECT balance FROM account WHERE kind = 'allocation' AND member_id = 1"
TAKE = "UPDATE account SET balance = ? WHERE kind = 'allocation' AND member_id = 1"


def test_the_naive_way_loses_money_between_two_connections(sqlite: Database, tmp_path: Path) -> None:
    """Read, think, write, each in its own moment: the second writer overwrites what the first one took."""
    settle_company(sqlite)
    one, other = two_connections(tmp_path / "quotabot.db")
    seen = one.execute(READ).fetchone()[0], other.execute(READ).fetchone()[0]
    one.execute(TAKE, (seen[0] - 30 * USD,))
    other.execute(TAKE, (seen[1] - 30 * USD,))
    assert one.execute(READ).fetchone()[0] == 70 * USD, "60 were taken and only 30 are missing"
    one.close(), other.close()


def test_a_transaction_that_begins_by_reading_is_thrown_away_when_it_writes(
    sqlite: Database, tmp_path: Path
) -> None:
    """A deferred BEGIN: the snapshot is old by then, no waiting helps, and the whole request has to be done again."""
    settle_company(sqlite)
    one, other = two_connections(tmp_path / "quotabot.db")
    for connection in (one, other):
        connection.execute("BEGIN")
        assert connection.execute(READ).fetchone()[0] == 100 * USD
    one.execute(TAKE, (70 * USD,))
    one.execute("COMMIT")
    other.execute("PRAGMA busy_timeout = 60000")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute(TAKE, (70 * USD,))
    one.close(), other.close()


def test_ours_takes_turns_also_with_another_process(sqlite: Database, tmp_path: Path) -> None:
    """BEGIN IMMEDIATE: whoever begins second reads what the first one left."""
    settle_company(sqlite)
    other = Database(f"sqlite:///{tmp_path / 'quotabot.db'}")  # as another process would
    actions = [
        (
            database,
            lambda session, n=n: lending.lend(
                asks(session, "alice", key=f"k{n}"), who(session, "bob"), 10 * USD
            ),
        )
        for n, database in enumerate([sqlite, other] * 10)
    ]
    outcomes = [(database.submit(deed, None)) for database, deed in actions]
    answers = []
    for one in outcomes:
        try:
            answers.append(one.result(PATIENCE))
        except Refusal as no:
            answers.append(no)
    assert kinds(answers) == {"Message": 8, "NotLendable": 12}
    assert has(sqlite, "alice").allocation == 20 * USD
    sound(sqlite)
    other.close()


def test_a_gateway_s_spend_that_many_read_at_once_is_booked_once(company: Database) -> None:
    """The loop reads by pages, a lend reads its lender, an operator looks: all at the same moment."""
    readings = [gateway_reading(name, spent) for spent in (0, 30 * USD) for name in ("alice", "bob")]
    company.transact(lambda session: limits.take(ctx(session, NOW), readings[:2]) and None)
    pages = [readings[2:], readings[:1:-1]] * 8
    actions = [lambda session, page=page: limits.take(ctx(session, NOW), page) and None for page in pages]
    assert kinds(at_once(company, actions)) == {"NoneType": 16}
    assert (has(company, "alice").used, has(company, "bob").used) == (30 * USD, 30 * USD)
    sound(company)


def gateway_reading(name: str, spent: int) -> Reading:
    return Reading(f"{name}@corp.example", spent, None, NOW)
