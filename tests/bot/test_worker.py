"""The worker: does what was promised in order, at the pace a channel bears, once; whoever else works beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from bot.database import Database
from bot.messengers.port import MessengerError, Undeliverable
from bot.pace import BURST, Pace
from bot.worker import Worker, slot
from handlers import lending, requests
from handlers.routes import JOBS
from models.messages.approval import Approval
from models.messages.message import Message
from models.messages.outbox import LEASE, Effect, claim
from models.people.profile import Profile
from tests.actions import DECEMBER, USD, after, ask_for, available, say
from tests.company import NOW, settle_company

BOUND = 20


class Board:
    """A messenger that writes down what it is told to say, and fails as it is told to."""

    name = "slack"

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.replaced: list[tuple[str, str]] = []
        self.answers: list[dict[str, Any]] = []
        self.homes: list[str] = []
        self.unsure: list[bool] = []
        self.faults: dict[str, list[Exception]] = {}
        self.hold: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def run(self) -> None:
        return

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        self.begun.set()
        if self.hold is not None:
            await self.hold.wait()
        self.unsure.append(unsure)
        if self.faults.get(key):
            raise self.faults[key].pop(0)
        self.said.append((address, message.text))
        return f"{address}/{len(self.said)}"

    async def replace(self, address: str, ref: str, message: Message) -> None:
        self.replaced.append((ref, message.text))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        self.answers.append(by)

    async def home(self, address: str, message: Message) -> None:
        self.homes.append(address)

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return None

    def ready(self) -> bool:
        return True


class Clock:
    """Stands still until it is moved; the worker's and that of its pace."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def page(address: str) -> Message:
    return Message(text=f"page of {address}")


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(sqlite: Database, board: Board, clock: Clock) -> Worker:
    settle_company(sqlite)
    return built(sqlite, board, clock)


def built(database: Database, board: Board, clock: Clock) -> Worker:
    found = Worker(database, clock, {"slack": board}, page)
    found.pace = Pace(clock.seconds)
    return found


def promise(worker: Worker, *lanes: str, kind: str = "say", now: datetime = NOW, **payload: Any) -> list[str]:
    """One message after the other in these lanes; the text of each is its number."""

    def run(session) -> list[str]:
        effects = [
            Effect(
                key=f"{kind}{lane}{n}", kind=kind, lane=lane, due_at=now,
                payload={"address": lane, "message": Message(text=str(n)).as_json(), "shape": "", "reader": None} | payload,
            )
            for n, lane in enumerate(lanes)
        ]  # fmt: skip
        session.add_all(effects)
        session.flush()
        return [one.key for one in effects]

    return worker.database.transact(run)


def effect(worker: Worker, key: str) -> Effect:
    return worker.database.transact(
        lambda session: session.exec(select(Effect).where(Effect.key == key)).one()
    )


def unsaid(worker: Worker) -> list[str]:
    query = select(Effect.key).where(Effect.kind == "say", col(Effect.done_at).is_(None))
    return worker.database.transact(lambda session: list(session.exec(query).all()))


def in_lane(board: Board, lane: str) -> list[str]:
    return [text for address, text in board.said if address == lane]


async def test_a_lane_keeps_its_order(worker: Worker, board: Board) -> None:
    promise(worker, *["slack:A", "slack:B"] * 3)
    await worker.round()
    assert in_lane(board, "slack:A") == ["0", "2", "4"]
    assert in_lane(board, "slack:B") == ["1", "3", "5"]


async def test_a_channel_hears_a_few_at_once_and_then_one_a_second(
    worker: Worker, board: Board, clock: Clock
) -> None:
    promise(worker, *["slack:A"] * 6)
    await worker.drain()
    assert len(board.said) == BURST
    for heard in (4, 5, 6, 6):
        clock.move(1)
        await worker.drain()
        assert len(board.said) == heard
    assert in_lane(board, "slack:A") == ["0", "1", "2", "3", "4", "5"]


async def test_what_has_piled_up_is_given_its_turns_once_and_not_looked_at_again_before(
    worker: Worker, board: Board, clock: Clock
) -> None:
    promise(worker, *["slack"] * 9)
    await worker.drain()
    due = [effect(worker, f"sayslack{n}").due_at for n in range(BURST, 9)]
    assert due == [NOW + timedelta(seconds=n) for n in range(1, 7)]
    for heard in range(BURST + 1, 10):
        clock.move(1)
        await worker.drain()
        assert len(board.said) == heard


async def test_waiting_for_ones_turn_is_no_attempt(worker: Worker, clock: Clock) -> None:
    keys = promise(worker, *["slack:A"] * 30)
    for _ in range(5):
        await worker.drain()
    assert effect(worker, keys[-1]).attempts == 0
    assert worker.parked == 0


async def test_one_channel_that_is_full_holds_up_no_other(worker: Worker, board: Board) -> None:
    promise(worker, *["slack:A"] * 9, "slack:B")
    await worker.round()
    assert in_lane(board, "slack:B") == ["9"]


async def test_too_many_requests_holds_the_lane_as_long_as_it_says(
    worker: Worker, board: Board, clock: Clock
) -> None:
    keys = promise(worker, "slack:A", "slack:A", "slack:B")
    board.faults[keys[0]] = [MessengerError("429", retry_after=7)]
    await worker.drain()
    assert [lane for lane, _ in board.said] == ["slack:B"]
    clock.move(6.9)
    await worker.drain()
    assert in_lane(board, "slack:A") == []
    clock.move(0.2)
    await worker.drain()
    clock.move(1)
    await worker.drain()
    assert in_lane(board, "slack:A") == ["0", "1"]


async def test_a_failure_comes_again_and_says_why(worker: Worker, board: Board, clock: Clock) -> None:
    (key,) = promise(worker, "slack:A")
    board.faults[key] = [MessengerError("gone for a moment"), ValueError("a bug")]
    await worker.drain()
    assert (effect(worker, key).error, board.said) == ("gone for a moment", [])
    clock.move(2)
    await worker.drain()
    assert effect(worker, key).error == "ValueError: a bug"
    clock.move(4)
    await worker.drain()
    assert (effect(worker, key).error, len(board.said)) == (None, 1)


async def test_where_nobody_knows_whether_it_arrived_the_next_try_looks_first(
    worker: Worker, board: Board, clock: Clock
) -> None:
    (key,) = promise(worker, "slack:A")
    board.faults[key] = [MessengerError("time-out", unknown=True)]
    await worker.drain()
    clock.move(2)
    await worker.drain()
    assert board.unsure == [False, True]


async def test_after_a_try_that_nobody_lived_to_tell_of_the_next_one_looks_first(
    worker: Worker, board: Board, clock: Clock
) -> None:
    promise(worker, "slack:A")
    worker.database.transact(lambda session: claim(session, clock()))  # and was killed
    clock.move(LEASE.total_seconds() + 1)
    await worker.drain()
    assert board.unsure == [True]


async def test_what_cannot_be_said_is_parked_and_stands_in_nobodys_way(worker: Worker, board: Board) -> None:
    first, second = promise(worker, "slack:A", "slack:A")
    board.faults[first] = [Undeliverable("user_not_found")]
    await worker.drain()
    assert (effect(worker, first).error, worker.parked) == ("user_not_found", 1)
    assert effect(worker, second).done_at is not None


async def test_who_caused_a_message_that_reaches_nobody_hears_of_it(worker: Worker, board: Board) -> None:
    say(worker.database, lending.lend, "alice", "bob", 5 * USD)
    board.faults = {one: [Undeliverable("user_not_found")] for one in unsaid(worker)}
    await worker.drain()
    assert [text for text in in_lane(board, "slack:U01ALICE") if "could not be delivered" in text]


async def test_a_look_that_fails_leaves_the_next_attempt_unsure(
    worker: Worker, board: Board, clock: Clock
) -> None:
    (key,) = promise(worker, "slack:A")
    board.faults[key] = [MessengerError("the reply is lost", unknown=True), MessengerError("does not answer")]
    for _ in range(3):
        await worker.drain()
        clock.move(60)
    assert board.unsure == [False, True, True]


async def test_a_kind_that_nobody_knows_is_parked(worker: Worker) -> None:
    (key,) = promise(worker, "slack:A", kind="sing")
    await worker.drain()
    assert "sing" in (effect(worker, key).error or "")


async def test_what_is_for_a_messenger_that_is_not_connected_waits(worker: Worker, clock: Clock) -> None:
    (key,) = promise(worker, "dingtalk:manager1")
    await worker.drain()
    assert effect(worker, key).due_at == NOW + timedelta(seconds=30)


async def test_an_approval_is_parked_where_the_messenger_has_none(worker: Worker, board: Board) -> None:
    approval = Approval("7F3K", "slack:A", ("slack:B",)).as_json()
    (key,) = promise(worker, "slack:A", approval=approval)
    await worker.drain()
    assert (effect(worker, key).error, board.said) == ("slack has no approvals of its own", [])


async def test_a_new_state_is_shown_where_the_old_one_landed(
    worker: Worker, board: Board, clock: Clock
) -> None:
    code = ask_for(worker.database, "bob", 30)
    await worker.drain()
    say(worker.database, requests.cancel, "bob", code)
    await worker.drain()
    ((ref, text),) = board.replaced
    assert ref.startswith("slack:U03CAROL/")
    assert "↩️" in text


async def test_one_that_was_not_sent_yet_is_sent_in_its_new_state(worker: Worker, board: Board) -> None:
    code = ask_for(worker.database, "bob", 30)
    say(worker.database, requests.cancel, "bob", code)
    await worker.drain()
    assert (len(board.said), board.replaced) == (1, [])
    assert "↩️" in board.said[0][1]


async def test_a_new_state_waits_for_its_original(worker: Worker, board: Board, clock: Clock) -> None:
    code = ask_for(worker.database, "bob", 30)
    card = worker.database.transact(lambda session: session.exec(select(Effect.key)).one())
    board.faults[card] = [MessengerError("a moment", retry_after=5)]
    await worker.drain()
    say(worker.database, requests.cancel, "bob", code)
    await worker.drain()
    assert board.replaced == []
    clock.move(5)
    await worker.drain()
    clock.move(1)
    await worker.drain()
    assert len(board.replaced) == 1


async def test_a_page_is_drawn_when_it_is_published(worker: Worker, board: Board) -> None:
    promise(worker, "slack:A", kind="home")
    await worker.drain()
    assert board.homes == ["slack:A"]


async def test_an_answer_goes_the_way_its_messenger_lets_one(worker: Worker, board: Board) -> None:
    promise(worker, "slack:A", kind="answer", messenger="slack", by={"url": "https://hooks.example/1"})
    await worker.drain()
    assert board.answers == [{"url": "https://hooks.example/1"}]


# Several workers


async def test_a_slot_fires_once_however_many_tick(database: Database) -> None:
    settle_company(database)
    workers = [built(database, Board(), Clock()) for _ in range(4)]
    await asyncio.gather(*(one.schedule() for one in workers for _ in range(2)))
    found = database.transact(lambda session: session.exec(select(Effect.key)).all())
    assert sorted(key.split("@")[0] for key in found) == sorted(JOBS)


async def test_every_effect_is_done_by_one_of_them(database: Database, clock: Clock) -> None:
    settle_company(database)
    boards = [Board() for _ in range(3)]
    workers = [built(database, board, clock) for board in boards]
    promise(workers[0], *[f"slack:{n}" for n in range(60)])
    await asyncio.gather(*(one.drain() for one in workers))
    said = [text for board in boards for _, text in board.said]
    assert sorted(said, key=int) == [str(n) for n in range(60)]


async def test_who_takes_over_after_the_lease_is_the_one_who_marks(
    worker: Worker, board: Board, clock: Clock
) -> None:
    (key,) = promise(worker, "slack:A")
    board.hold = asyncio.Event()
    slow = asyncio.create_task(worker.round())
    await asyncio.wait_for(board.begun.wait(), BOUND)
    clock.move(LEASE.total_seconds())
    quick = Board()
    await built(worker.database, quick, clock).round()
    ref = effect(worker, key).ref
    board.hold.set()
    await asyncio.wait_for(slow, BOUND)
    assert (effect(worker, key).ref, len(quick.said), len(board.said)) == (ref, 1, 1)


async def test_what_could_not_be_marked_is_said_again_after_its_lease_and_before_what_follows(
    worker: Worker, board: Board, clock: Clock
) -> None:
    promise(worker, "slack:A", "slack:A", "slack:B")
    board.hold = asyncio.Event()
    doing = asyncio.create_task(worker.round())
    await asyncio.wait_for(board.begun.wait(), BOUND)
    worker.database.transact(lambda session: session.execute(text("ALTER TABLE effect RENAME TO away")))
    board.hold.set()
    with pytest.raises(OperationalError):
        await asyncio.wait_for(doing, BOUND)
    worker.database.transact(lambda session: session.execute(text("ALTER TABLE away RENAME TO effect")))
    clock.move(LEASE.total_seconds())
    await worker.drain()
    assert in_lane(board, "slack:A") == ["0", "0", "1"]
    assert in_lane(board, "slack:B") == ["2", "2"]


# The loop


async def test_it_wakes_when_something_is_promised_and_finishes_what_is_on_the_way(
    worker: Worker, board: Board
) -> None:
    board.hold = asyncio.Event()
    running = asyncio.create_task(worker.run())
    promise(worker, "slack:A")
    worker.wake()
    await asyncio.wait_for(board.begun.wait(), BOUND)
    running.cancel()
    board.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, BOUND)
    assert (len(board.said), effect(worker, "sayslack:A0").done_at) == (1, NOW)


async def test_a_stumble_does_not_stop_it(
    worker: Worker, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled = asyncio.Event()
    real = worker.round

    async def stumble(within: float | None = None) -> bool:
        if not stumbled.is_set():
            stumbled.set()
            worker.wake()
            raise OSError("the database is away")
        return await real(within)

    monkeypatch.setattr(worker, "round", stumble)
    promise(worker, "slack:A")
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(board.begun.wait(), BOUND)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_hangs_holds_up_its_own_lane_only_and_keeps_its_order(
    worker: Worker, board: Board
) -> None:
    board.hold = hangs = asyncio.Event()
    promise(worker, "slack:A")
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(board.begun.wait(), BOUND)
    board.hold, board.begun = None, asyncio.Event()
    promise(worker, "slack:B", "slack:A")
    worker.wake()
    await asyncio.wait_for(board.begun.wait(), BOUND)
    assert [lane for lane, _ in board.said] == ["slack:B"]
    hangs.set()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [lane for lane, _ in board.said] == ["slack:B", "slack:A", "slack:A"]


async def test_a_tick_closes_the_month_and_lends_back(worker: Worker, board: Board, clock: Clock) -> None:
    say(worker.database, lending.lend, "alice", "bob", 50 * USD)
    await worker.tick(DECEMBER)
    assert (available(worker.database, "alice"), available(worker.database, "bob")) == (100, 100)


async def test_the_jobs_of_a_slot_run_as_effects(worker: Worker, board: Board, clock: Clock) -> None:
    ask_for(worker.database, "bob", 30)
    clock.now = after(hours=5)
    await worker.schedule()
    await worker.drain()
    assert len(in_lane(board, "slack:U03CAROL")) == 2, "the card and its reminder"


@pytest.mark.parametrize(
    ("every", "begins"),
    [(timedelta(minutes=1), "02:07:00"), (timedelta(hours=1), "02:00:00"), (timedelta(days=1), "00:00:00")],
)
def test_a_slot_begins_at_a_round_time(every: timedelta, begins: str) -> None:
    assert f"{slot(NOW + timedelta(minutes=7, seconds=42), every):%H:%M:%S}" == begins


def test_the_pace_of_a_lane_is_its_own() -> None:
    now = [100.0]
    pace: Pace = Pace(lambda: now[0])
    takes: Callable[[str], float] = pace.wait
    assert [takes("a") for _ in range(4)] == [0, 0, 0, 1]
    assert takes("b") == 0
    now[0] = 100.4
    assert takes("a") == pytest.approx(1.6), "behind who waits since 100"
    now[0] = 101.0
    assert takes("a") == 0
    pace.hold("a", 30)
    assert takes("a") == pytest.approx(30)
