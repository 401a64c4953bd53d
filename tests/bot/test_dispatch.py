"""One request, one transaction, one answer: in time, once, and fail closed."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session, col, func, select

from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from handlers.command import Command
from handlers.language.reader import read_command
from models.messages import confirmation
from models.messages.message import Message
from models.messages.receipt import Receipt
from models.people.member import Address
from models.people.profile import Profile
from models.quota.code import Code
from models.refusal import NothingToConfirm
from sandbox.slack.workspace import Person
from tests.company import CAST, NOW, who
from tests.slack_env import CHANNEL, PATIENT, SlackEnv, open_env, settled_copy, slack_id


async def test_when_nobody_can_say_who_somebody_is_balances_work_and_lending_does_not(
    env: SlackEnv,
) -> None:
    env.slack.faults.slow_down("users.info", seconds=1.0)
    before = env.everything()
    with env.impatient(read=0.1):
        assert "You have *$100.00* left" in (await env.command("alice")).shown
        refused = await env.command("alice", "lend @bob 20")
    assert "could not check who takes part" in refused.shown
    assert env.everything() == before
    env.slack.faults.clear()
    assert "You lent *$20.00*" in (await env.command("alice", "lend @bob 20")).shown


async def test_what_was_read_within_the_hour_is_believed_while_the_messenger_is_silent(
    env: SlackEnv,
) -> None:
    assert "You lent" in (await env.command("alice", "lend @bob 5")).shown
    env.app.messengers["slack"].directory._profiles.clear()
    env.slack.faults.fail("users.info", times=None)
    env.clock.move(minutes=5)
    assert "You lent" in (await env.command("alice", "lend @bob 6")).shown
    env.clock.move(minutes=61)
    assert "could not check" in (await env.command("alice", "lend @bob 7")).shown


async def test_profiles_and_the_newest_spend_are_read_at_the_same_time(env: SlackEnv) -> None:
    all_three, slack = asyncio.Barrier(3), env.app.messengers["slack"]
    read = slack.profile

    async def profile(address: str, *, urgent: bool) -> Profile | None:
        await all_three.wait()
        return await read(address, urgent=urgent)

    async def fresh_spend(member: int) -> None:
        await all_three.wait()

    slack.profile, env.app.dispatcher.fresh_spend = profile, fresh_spend
    with env.impatient(read=5):
        answer = await asyncio.wait_for(env.command("alice", "lend @bob 20"), 4)
    assert "You lent *$20.00*" in answer.shown


async def test_approving_fails_closed_and_the_card_stays(env: SlackEnv) -> None:
    await env.say("pia", "request 300 load test")
    card = await env.hear("lee", "load test")
    env.slack.faults.fail("users.info", times=None)
    assert "暂时无法核实身份" in (await env.press("lee", card, "request.approve")).shown
    assert "request.approve" in card.actions
    env.slack.faults.clear()
    assert "好的" in (await env.press("lee", card, "request.approve")).shown


async def test_who_is_named_by_a_button_is_looked_up_as_well(env: SlackEnv) -> None:
    await env.say("bob", "borrow @eve 10")
    ask = await env.hear("eve", "Bob", "$10.00")
    with env.database.engine.begin() as connection:
        connection.execute(text("UPDATE address SET status = NULL, status_at = NULL"))
    env.app.messengers["slack"].directory._profiles.clear()
    await env.press("eve", ask, "borrow.accept")
    assert env.left("bob") == 110


async def test_a_guest_named_by_a_button_gets_nothing(env: SlackEnv) -> None:
    await env.say("bob", "borrow @eve 10")
    ask = await env.hear("eve", "Bob", "$10.00")
    with env.database.engine.begin() as connection:
        connection.execute(text("UPDATE address SET status = NULL, status_at = NULL"))
    env.app.messengers["slack"].directory._profiles.clear()
    env.slack.change_person(CAST["bob"][0], is_restricted=True)
    answer = await env.press("eve", ask, "borrow.accept")
    assert "can't take part right now" in answer.shown
    assert env.left("bob") == 100


async def test_giving_back_never_depends_on_what_the_messenger_says_of_the_other_one(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 20")
    with env.database.engine.begin() as connection:
        connection.execute(text("UPDATE address SET status = NULL, status_at = NULL"))
    env.app.messengers["slack"].directory._profiles.clear()
    env.slack.faults.fail("users.info", times=None)
    await env.command("bob", "repay @alice 20")
    assert env.left("alice") == 100


async def test_a_locked_database_is_answered_in_time_and_nothing_moved(env: SlackEnv) -> None:
    assert env.app.database.sqlite
    await env.command("bob")
    before = env.everything()
    path = str(env.database.engine.url.database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with env.impatient(commit=0.3):
            answer = await env.command("bob", "lend @alice 20")
        assert "处理超时" in answer.shown
        other.execute("ROLLBACK")
    assert env.everything() == before
    assert "已借给" in (await env.command("bob", "lend @alice 20")).shown
    env.audit()


async def test_a_lock_that_ends_soon_is_only_waited_for(env: SlackEnv) -> None:
    await env.command("bob")
    with closing(sqlite3.connect(str(env.database.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(env.command("bob", "lend @alice 20"))
        asyncio.get_running_loop().call_later(0.6, other.execute, "ROLLBACK")
        assert "已借给" in (await asked).shown


@pytest.mark.parametrize("words", ["balance", "help", "loans", "history"])
async def test_who_only_looks_is_answered_while_another_process_writes(env: SlackEnv, words: str) -> None:
    await env.command("alice")
    with sqlite3.connect(str(env.database.engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "took too long" not in (await env.command("alice", words)).shown
        other.execute("ROLLBACK")


@pytest.mark.parametrize("env", ["socket-sqlite", "http-postgres"], indirect=True)
async def test_who_looks_again_within_the_hour_leaves_nothing_behind(env: SlackEnv) -> None:
    await env.command("alice")
    kept = receipts(env)
    for words in ("", "help", "loans", "history"):
        await env.command("alice", words)
    assert receipts(env) == kept
    env.clock.move(minutes=61)
    await env.command("alice")
    seen = env.database.transact(
        lambda session: session.get_one(Address, f"slack:{CAST['alice'][0]}").seen_at
    )
    assert seen == env.clock.now


def asking(key: str, sender: str, sentence: str) -> Request:
    return Request(key, sender, read_command(sentence, NOW.date()))


def receipts(env: SlackEnv) -> int:
    query = select(func.count()).select_from(Receipt)
    return env.database.transact(lambda session: session.exec(query).one())


@pytest.mark.parametrize(("words", "most"), [("help", 1), ("balance", 1), ("loans", 1), ("history", 2)])
async def test_a_look_asks_little_of_the_database(company: Database, words: str, most: int) -> None:
    """A statement costs more in Python than in SQLite; each of these is one that a Monday morning asks 32 times a second."""
    dispatcher, alice, asked = (
        Dispatcher(company, lambda: NOW, patience=PATIENT),
        f"slack:{CAST['alice'][0]}",
        list[str](),
    )

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    for key in ("first", "again"):
        asked.clear()
        event.listen(Engine, "before_cursor_execute", count)
        try:
            await dispatcher.handle(asking(f"slack:{key}", alice, words))
        finally:
            event.remove(Engine, "before_cursor_execute", count)
    assert len([one for one in asked if not one.startswith("BEGIN")]) <= most, asked


MOVES = {
    "lend <@U02BOB> 5": (12, 6),  # with one that notes when Alice was seen
    "lend <@U02BOB> 6": (9, 4),
    "recall <@U02BOB> 2": (14, 11),
}
"""Statements on SQLite and on Postgres."""


async def test_a_move_asks_little_of_the_database(company: Database) -> None:
    alice, minutes = f"slack:{CAST['alice'][0]}", count(2, 2)
    dispatcher = Dispatcher(company, lambda: NOW + timedelta(minutes=next(minutes)), patience=PATIENT)
    for words, most in MOVES.items():
        said = await statements(dispatcher, asking(f"slack:{words}", alice, words))
        assert len(said) <= most[not company.sqlite], said


async def test_a_request_and_its_approval_ask_little_of_the_database(company: Database) -> None:
    minutes = count(2, 2)
    dispatcher = Dispatcher(company, lambda: NOW + timedelta(minutes=next(minutes)), patience=PATIENT)
    for name, most in {"alice": (27, 25), "bob": (27, 25)}.items():  # each is seen for the first time
        asked = asking(f"slack:{name}", f"slack:{CAST[name][0]}", "request 20 for the demo")
        said = await statements(dispatcher, asked)
        assert len(said) <= most[not company.sqlite], said
    codes = company.query(
        lambda session: session.exec(select(Code.code).order_by(col(Code.request_id))).all()
    )
    for code, most in zip(codes, ((27, 25), (26, 24)), strict=True):
        press = Command.pressed("request.approve", code)
        said = await statements(dispatcher, Request(f"slack:{code}", f"slack:{CAST['carol'][0]}", press))
        assert len(said) <= most[not company.sqlite], said


async def statements(dispatcher: Dispatcher, request: Request) -> list[str]:
    """What a request that is not refused asks of the database, without the words that begin and end a transaction."""
    asked = list[str]()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        outcome = await dispatcher.handle(request)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert not outcome.refused, outcome.message
    return [one for one in asked if not one.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "SET LOCAL"))]


async def test_the_same_look_again_is_answered_as_things_are_then(env: SlackEnv) -> None:
    alice = f"slack:{CAST['alice'][0]}"
    await env.command("alice")
    said = []
    for _ in range(2):
        outcome = await env.app.dispatcher.handle(asking("slack:same", alice, "balance"))
        assert isinstance(outcome.message, Message)
        said.append(outcome.message.text)
        await env.command("alice", "lend @bob 20")
    assert ["$100.00" in said[0], "$80.00" in said[1]] == [True, True]


@pytest.mark.parametrize("env", ["socket-sqlite", "http-postgres"], indirect=True)
async def test_the_same_envelope_twice_moves_once_and_is_answered_the_same(env: SlackEnv) -> None:
    env.slack.faults.duplicate("slash_commands")
    await env.command("alice", "lend @bob 20")
    assert env.left("bob") == 120
    env.slack.faults.duplicate("events_api")
    await env.say("alice", "lend @eve 10")
    await env.hear("eve", "Alice")
    await env.settled()
    assert len([one for one in env.heard("alice") if "You lent *$10.00*" in one]) == 1
    env.audit()


async def test_the_same_key_with_other_words_is_refused(env: SlackEnv) -> None:
    alice = f"slack:{CAST['alice'][0]}"
    for words, expected in (("lend <@U02BOB> 5", "You lent"), ("lend <@U02BOB> 6", "already used")):
        outcome = await env.app.dispatcher.handle(asking("slack:same", alice, words))
        assert isinstance(outcome.message, Message)
        assert expected in outcome.message.text


async def test_a_mention_without_words_is_answered_with_the_balance_for_the_asker_alone(
    env: SlackEnv,
) -> None:
    answer = await env.say("alice", "", channel=CHANNEL)
    assert answer.ephemeral_for == CAST["alice"][0]
    assert "$100.00" in answer.shown


async def test_the_wait_for_an_answer_that_the_database_cannot_give_is_not_part_of_the_acknowledgement(
    env: SlackEnv,
) -> None:
    await env.command("alice")
    env.slack.faults.slow_down("chat.postMessage", seconds=1.0, times=1)
    with closing(sqlite3.connect(str(env.database.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with env.impatient(commit=0.3):
            heard = len(env.heard("alice"))
            await env.slack.say(slack_id("alice"), "lend @bob 20")
            assert env.heard("alice")[heard:] == [], "the acknowledgement waited for the answer"
            await env.hear("alice", "took too long", after=heard)
            env.clock.move(hours=1)  # what is known of her is to be written again
            assert "$100.00" in (await env.command("alice")).shown, "looking needs no writer"
        other.execute("ROLLBACK")
    assert env.left("bob") == 100


@pytest.mark.parametrize("env", ["socket-sqlite", "http-postgres"], indirect=True)
async def test_two_taps_on_yes_are_one_yes(env: SlackEnv) -> None:
    for _ in range(3):
        said = await env.command("alice", "could you give @bob 5 please")
        before = env.wallet("bob").borrowed
        alice = CAST["alice"][0]
        await asyncio.gather(*(env.slack.press(alice, said.copy(), "confirm.yes") for _ in range(4)))
        await env.settled()
        assert env.wallet("bob").borrowed - before == 5_000_000
    env.audit()


def test_of_two_that_take_the_same_echo_at_once_one_finds_nothing(postgres_company: Database) -> None:
    alice = postgres_company.transact(lambda session: who(session, "alice").id)
    postgres_company.transact(
        lambda session: confirmation.keep(session, alice, "7F3K", {"intent": "lend"}, NOW)
    )
    with (
        Session(postgres_company.engine) as first,
        Session(postgres_company.engine) as second,
        ThreadPoolExecutor() as pool,
    ):
        second.get(confirmation.Confirmation, alice)  # both have read it
        assert confirmation.take(first, alice, NOW) == {"intent": "lend"}
        waiting = pool.submit(confirmation.take, second, alice, NOW)
        first.commit()
        with pytest.raises(NothingToConfirm):
            waiting.result(timeout=5)


@pytest.mark.parametrize("env", ["socket-sqlite", "http-sqlite"], indirect=True)
async def test_whatever_is_acknowledged_is_committed(env: SlackEnv) -> None:
    alice, bob = CAST["alice"][0], CAST["bob"][0]
    lent = (await env.slack.command(alice, "lend @bob 20")).message
    assert env.left("bob") == 120
    assert lent is not None
    await env.slack.say(alice, "lend @bob 10")
    assert env.left("bob") == 130
    await env.slack.press(alice, lent, "loan.recall")
    assert env.left("bob") == 100
    form = await env.press("bob", await env.command("bob"), "lend.open")
    await env.slack.submit(bob, form, {"person": alice, "amount": "5"})
    assert env.left("alice") == 105


async def test_unknown_ids_are_linked_by_e_mail_where_that_is_wanted_and_only_then(
    settled_template: Path, tmp_path: Path
) -> None:
    url = settled_copy(settled_template, tmp_path)
    twin = Person("U77TWIN", "twin", "Twin", "alice@corp.example")
    for wanted in (False, True):
        async with open_env(url, language="en", people=(twin,), slack_link_by_email=wanted) as env:
            with env.database.engine.begin() as connection:
                connection.execute(
                    text("DELETE FROM address WHERE address IN ('slack:U09EVE', 'slack:U12MAX')")
                )
            asker, named = await env.command("eve"), await env.command("alice", "lend @max 5")
            assert ("You have *$100.00* left" in asker.shown) is wanted
            assert ("You lent" in named.shown) is wanted
            assert "I don't know you" in (await env.command("U77TWIN")).shown, "alice has an id already"


async def test_a_sentence_that_breaks_the_reader_is_answered_and_logged_with_its_key(
    env: SlackEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = read_command("request 200 for 3 weeks", date.max)
    before = env.everything()
    answer = await env.app.dispatcher.handle(Request("odd:1", f"slack:{slack_id('alice')}", sentence))
    assert isinstance(answer.message, Message)
    assert "Something broke on our side; nothing was moved" in answer.message.text
    assert env.everything() == before
    logged = capsys.readouterr()
    assert "odd:1" in logged.out + logged.err
    assert "OverflowError in dates.py" in logged.out + logged.err
