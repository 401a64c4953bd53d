"""Effects: promised once, taken under a lease, marked only by who holds the newest attempt, parked when hopeless."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from bot.database import Database
from models.messages import outbox
from models.messages.outbox import LEASE, MOST_ATTEMPTS, Claim, Effect, claim, promise
from tests.company import NOW


def effect(key: str, due: datetime = NOW, **more) -> Effect:
    return Effect(key=key, kind="say", due_at=due, **more)


def keep(database: Database, *effects: Effect) -> None:
    database.transact(lambda session: [promise(session, one) for one in effects])


def take(database: Database, now: datetime = NOW, most: int = 100) -> list[Claim]:
    return database.transact(lambda session: claim(session, now, most))


def keys(database: Database, now: datetime = NOW) -> list[str]:
    return [one.key for one in take(database, now)]


def stored(database: Database, key: str = "a") -> Effect:
    return database.transact(lambda session: session.exec(select(Effect).where(Effect.key == key)).one())


def mark(database: Database, how, one: Claim, *words) -> bool:
    return database.transact(lambda session: outbox.mark(session, [how(one, *words)])) == 1


def test_the_same_key_is_promised_once(database: Database) -> None:
    for text in ("first", "second"):
        database.transact(lambda session, t=text: promise(session, effect("a", payload={"text": t})) and None)
    assert stored(database).payload == {"text": "first"}


@pytest.mark.parametrize("how", [outbox.done, outbox.park])
@pytest.mark.parametrize(("kind", "left"), [("answer", {}), ("say", {"by": "address"})])
def test_an_address_to_reply_to_is_deleted_with_its_use(database: Database, how, kind: str, left) -> None:
    promised = Effect(key="a", kind=kind, due_at=NOW, payload={"by": "address"})
    keep(database, promised)
    assert mark(database, how, take(database)[0], NOW, *(["gone"] if how is outbox.park else []))
    assert stored(database).payload == left


def test_an_answer_that_is_tried_again_keeps_its_address(database: Database) -> None:
    keep(database, Effect(key="a", kind="answer", due_at=NOW, payload={"by": "address"}))
    assert mark(database, outbox.again, take(database)[0], NOW, "slow")
    assert stored(database).payload == {"by": "address"}


def test_whether_it_was_new_is_told(database: Database) -> None:
    assert database.transact(
        lambda session: [promise(session, effect("a")), promise(session, effect("a"))]
    ) == [True, False]


def test_what_is_due_is_taken_oldest_first(database: Database) -> None:
    keep(
        database,
        effect("later", NOW + timedelta(seconds=1)),
        effect("b"),
        effect("a", NOW - timedelta(days=1)),
    )
    assert keys(database) == ["a", "b"]
    assert keys(database, NOW + timedelta(seconds=1)) == ["later"]


def test_at_most_so_many_at_a_time(database: Database) -> None:
    keep(database, *(effect(f"e{n}") for n in range(5)))
    assert [len(take(database, most=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_nobody_else_gets_it_while_the_lease_lasts(database: Database) -> None:
    keep(database, effect("a"))
    assert keys(database) == ["a"]
    assert keys(database, NOW + LEASE - timedelta(seconds=1)) == []
    assert keys(database, NOW + LEASE) == ["a"]
    assert stored(database).attempts == 2


def test_done_is_done(database: Database) -> None:
    keep(database, effect("a"))
    (one,) = take(database)
    assert mark(database, outbox.done, one, NOW, "slack:C1/7")
    assert keys(database, NOW + timedelta(days=1)) == []
    assert (stored(database).ref, stored(database).done_at) == ("slack:C1/7", NOW)


def test_who_was_overtaken_cannot_mark_any_more(database: Database) -> None:
    keep(database, effect("a"))
    (slow,) = take(database)
    (quick,) = take(database, NOW + LEASE)
    for how, words in (
        (outbox.done, [NOW, "slow"]),
        (outbox.again, [NOW, "slow"]),
        (outbox.park, [NOW, "slow"]),
    ):
        assert not mark(database, how, slow, *words)
    assert mark(database, outbox.done, quick, NOW, "quick")
    assert stored(database).ref == "quick"
    assert not mark(database, outbox.done, quick, NOW, "again")


def test_who_was_overtaken_in_one_still_marks_the_others(database: Database) -> None:
    keep(database, effect("a"), effect("b"))
    slow = take(database)
    (quick,) = take(database, NOW + LEASE, most=1)
    marks = [outbox.done(one, NOW, "slow") for one in slow]
    assert database.transact(lambda session: outbox.mark(session, marks)) == 1
    assert mark(database, outbox.done, quick, NOW, "quick")
    assert (stored(database, "a").ref, stored(database, "b").ref) == ("quick", "slow")


def test_the_results_of_many_are_one_statement_for_the_database(database: Database) -> None:
    keep(database, *(effect(f"e{n}") for n in range(20)))
    marks = [outbox.done(one, NOW, "there") for one in take(database)]
    asked: list[bool] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[-1]))
    assert database.transact(lambda session: outbox.mark(session, marks)) == 20
    assert [many for many in asked if many] == []


def test_a_reason_that_no_database_takes_stands_in_the_way_of_no_other_mark(database: Database) -> None:
    keep(database, effect("a"), effect("b"))
    a, b = take(database)
    marks = [outbox.park(a, NOW, "no\x00 such\ud800 user"), outbox.done(b, NOW)]
    assert database.transact(lambda session: outbox.mark(session, marks)) == 2
    assert stored(database, "a").error == "no such user"


def test_it_comes_again_twice_as_late_each_time_but_within_an_hour(database: Database) -> None:
    keep(database, effect("a"))
    now, waits = NOW, []
    for _ in range(MOST_ATTEMPTS - 1):
        (one,) = take(database, now)
        mark(database, outbox.again, one, now, "no answer")
        waits.append((stored(database).due_at - now).total_seconds())
        now = stored(database).due_at
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]


def test_it_comes_again_when_the_other_side_said(database: Database) -> None:
    keep(database, effect("a"))
    (one,) = take(database)
    mark(database, outbox.again, one, NOW, "429", timedelta(seconds=17))
    assert stored(database).due_at == NOW + timedelta(seconds=17)


def test_what_never_succeeds_is_parked_with_its_reason(database: Database) -> None:
    keep(database, effect("a"), effect("b"))
    now = NOW
    for _ in range(MOST_ATTEMPTS):
        (one,) = [one for one in take(database, now) if one.key == "a"]
        mark(database, outbox.again, one, now, "channel_not_found")
        now += timedelta(hours=2)
    assert (stored(database).parked_at is not None, stored(database).error) == (True, "channel_not_found")
    assert "a" not in keys(database, now + timedelta(days=9))


def test_what_is_given_back_was_not_tried(database: Database) -> None:
    keep(database, effect("a"))
    (one,) = take(database)
    mark(database, outbox.release, one, NOW + timedelta(seconds=3))
    assert (stored(database).attempts, stored(database).leased_until) == (0, None)
    assert keys(database, NOW + timedelta(seconds=2)) == []
    assert keys(database, NOW + timedelta(seconds=3)) == ["a"]


def test_copies_are_the_messages_that_show_it_but_not_the_parked(database: Database) -> None:
    about = {"about": "request:7F3K"}
    keep(database, effect("a", **about), effect("b"), effect("c", **about), effect("d", about="request:ZZZ2"))

    def found(session: Session) -> list[str]:
        return [one.key for one in outbox.copies(session, "request:7F3K")]

    assert database.transact(found) == ["a", "c"]
    for one in take(database):
        if one.key == "a":
            mark(database, outbox.park, one, NOW, "no such user")
    assert database.transact(found) == ["c"]


def test_a_rolled_back_transaction_promised_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        database.transact(lambda session: promise(session, effect("a")) / 0)
    assert keys(database) == []


def test_a_lease_much_further_ahead_than_its_length_holds_nobody_up(database: Database) -> None:
    keep(database, effect("a"))
    assert keys(database, NOW + timedelta(days=1)) == ["a"]  # by a clock that was a day ahead
    assert keys(database) == ["a"]


def test_a_replica_whose_clock_is_behind_leaves_the_leases_of_others_alone(database: Database) -> None:
    keep(database, effect("a"))
    assert keys(database) == ["a"]
    assert keys(database, NOW - timedelta(seconds=1)) == []


def test_a_prolonged_lease_lasts_on_unless_somebody_took_over(database: Database) -> None:
    keep(database, effect("a"), effect("b"))
    taken = take(database)
    later = NOW + LEASE / 2
    assert len(database.transact(lambda session: outbox.prolong(session, taken, later))) == 2
    assert keys(database, NOW + LEASE) == []
    assert keys(database, later + LEASE) == ["a", "b"]
    assert database.transact(lambda session: outbox.prolong(session, taken, later)) == set()


def test_an_attempt_that_nobody_marked_leaves_the_next_one_unsure(database: Database) -> None:
    keep(database, effect("a"))
    assert not take(database)[0].unsure
    assert take(database, NOW + LEASE)[0].unsure, "the first process ended"


def test_a_clean_failure_before_an_attempt_that_nobody_marked_hides_nothing(database: Database) -> None:
    keep(database, effect("a"))
    assert mark(database, outbox.again, take(database)[0], NOW, "does not answer", timedelta(seconds=1))
    later = NOW + timedelta(seconds=1)
    assert not take(database, later)[0].unsure, "nothing was sent"
    assert take(database, later + LEASE)[0].unsure, "the second process ended"
