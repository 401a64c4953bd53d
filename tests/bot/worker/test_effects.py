"""The worker does what was promised, in order and at the pace a channel bears."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlmodel import select

from bot.messengers.port import MessengerError, Undeliverable
from bot.pace import BURST
from bot.worker import Worker
from handlers import lending, requests
from models.messages.approval import Approval
from models.messages.outbox import AT_A_TIME, LEASE, Effect, claim
from tests.actions import USD, ask_for, say
from tests.bot.worker.board import BOUND, Board, Clock, effect, in_lane, promise, unsaid
from tests.company import NOW


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


async def test_what_follows_a_full_batch_is_claimed_while_it_is_under_way(
    worker: Worker, board: Board
) -> None:
    held = asyncio.Event()
    promise(worker, *[f"slack:{n}" for n in range(2 * AT_A_TIME + 1)])
    board.holds = {f"slack:{n}": held for n in range(AT_A_TIME + 1, 2 * AT_A_TIME)}
    for _ in range(2):
        await asyncio.wait_for(worker.round(), BOUND)
    assert len(board.said) == AT_A_TIME + 1
    held.set()
    await worker.drain()
    assert sorted(int(text) for _, text in board.said) == list(range(2 * AT_A_TIME + 1))


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
