"""Several workers do everything once, and the loop goes on whatever stumbles."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select, update

from bot.database import Database
from bot.lanes import AT_ONCE
from bot.pace import Pace
from bot.worker import Worker, slot
from handlers import lending
from handlers.routes import JOBS
from models.messages.outbox import LEASE, Effect
from models.reports import kept
from tests.actions import DECEMBER, USD, after, ask_for, available, say, told
from tests.bot.worker.board import BOUND, Board, Clock, built, effect, in_lane, promise
from tests.company import NOW


async def test_a_slot_fires_once_however_many_tick(company: Database) -> None:
    workers = [built(company, Board(), Clock()) for _ in range(4)]
    await asyncio.gather(*(one.schedule() for one in workers for _ in range(2)))
    found = company.transact(lambda session: session.exec(select(Effect.key)).all())
    assert sorted(key.split("@")[0] for key in found) == sorted(JOBS)


async def test_every_effect_is_done_by_one_of_them(company: Database, clock: Clock) -> None:
    boards = [Board() for _ in range(3)]
    workers = [built(company, board, clock) for board in boards]
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


async def test_what_a_later_batch_took_of_a_lane_does_not_overtake_what_is_said_again(
    worker: Worker, board: Board, clock: Clock
) -> None:
    board.hold = asyncio.Event()
    for n in range(2):
        promise(worker, "slack:A", kind="say" if n == 0 else "home")
        await worker.round(0)
    worker.database.transact(lambda session: session.execute(text("ALTER TABLE effect RENAME TO away")))
    board.hold.set()
    await asyncio.wait_for(asyncio.wait(worker._slow), BOUND)
    worker.database.transact(lambda session: session.execute(text("ALTER TABLE away RENAME TO effect")))
    assert (len(board.said), board.homes) == (1, [])
    clock.move(LEASE.total_seconds())
    await worker.drain()
    assert (len(board.said), board.homes) == (2, ["slack:A"])


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


async def test_it_ends_when_everything_is_cancelled_at_once(worker: Worker, board: Board) -> None:
    """As at the end of a loop: nothing waits for a lane that nobody will take."""
    board.hold, worker.slow = asyncio.Event(), 0
    promise(worker, *[f"slack:{n}" for n in range(AT_ONCE + 1)])
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(board.begun.wait(), BOUND)
    while not worker._slow:  # noqa: ASYNC110 - the loop goes on beside it
        await asyncio.sleep(0)
    everything = asyncio.all_tasks() - {asyncio.current_task()}
    for task in everything:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*everything, return_exceptions=True), BOUND)
    assert running.cancelled()


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


async def test_what_one_person_causes_does_not_hold_up_what_another_causes(
    worker: Worker, board: Board, clock: Clock
) -> None:
    promise(worker, *["slack:A"] * 20, sender=1)
    await worker.drain()
    promise(worker, "slack:A", kind="say2", sender=2)
    worker.database.transact(
        lambda one: one.execute(text("UPDATE effect SET kind = 'say' WHERE kind = 'say2'"))
    )
    await worker.drain()
    assert in_lane(board, "slack:A") == ["0", "1", "0"], "the third at once is the other's"
    for _ in range(60):
        clock.move(1)
        await worker.drain()
    assert in_lane(board, "slack:A")[3:] == [str(n) for n in range(2, 20)]


def test_each_sender_has_a_turn_in_a_lane_that_several_fill() -> None:
    now, said = [100.0], list[int]()
    pace = Pace(lambda: now[0])
    waiting = [(100.0, sender) for sender in (1, 1, 1, 1, 1, 1, 1, 1, 2, 3)]
    while waiting:
        now[0], sender = waiting.pop(0)
        if wait := pace.wait("a", sender):
            waiting = sorted([*waiting, (now[0] + wait, sender)], key=lambda one: one[0])
        else:
            said.append(sender)
    assert said.index(2) <= 3
    assert said.index(3) <= 4


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


def test_full_buckets_are_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    class Looked(defaultdict[object, float]):
        looks = 0

        def items(self):
            self.looks += 1
            return super().items()

    monkeypatch.setattr("bot.pace.MOST", 10)
    now = [100.0]
    pace = Pace(lambda: now[0])
    pace._free = free = Looked(float)
    assert not any(pace.wait(str(n)) for n in range(160))
    assert free.looks < 10, "looked through for every message"
    now[0] += 60
    assert not any(pace.wait(f"later {n}") for n in range(160))
    assert "1" not in free


async def test_a_job_that_takes_long_reads_beside_the_writer_and_keeps_what_it_found(
    postgres_company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "COUNTED_AT_ONCE", 1)
    await built(postgres_company, Board(), Clock()).tick(NOW)
    found = postgres_company.query(lambda session: session.exec(select(kept.KeptFigures)).all())
    assert [one.at for one in found] == [NOW]


async def test_a_job_that_died_before_its_mark_tells_what_came_due_since(
    company: Database, clock: Clock
) -> None:
    """Both messages are the first of their transaction, and the job has one key."""
    worker = built(company, Board(), clock)
    (key,) = promise(worker, "job:requests", kind="job", job="requests")
    for name in ("alice", "bob"):
        ask_for(company, name, 60, now=clock())
        clock.move(timedelta(days=9).total_seconds())
        await worker.drain()
        died = update(Effect).where(col(Effect.key) == key).values(done_at=None)
        company.transact(lambda session, died=died: session.execute(died))
        assert len(_expired(company, name)) == 1, name


def _expired(database: Database, name: str) -> list[str]:
    return [
        one.text for one in told(database, name) if "Nobody answered" in one.text or "没人处理" in one.text
    ]
