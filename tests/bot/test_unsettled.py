"""COMMIT was sent, the connection is cut, the database is away: nobody guesses, and the person hears what became of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlmodel import Session, col, select

from bot import answers
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.notes import Notes
from bot.patience import Patience
from bot.unsettled import Unsettled
from handlers.command import Command
from models.ledger.audit import audit
from models.messages.message import Message
from models.messages.outbox import Effect
from models.messages.receipt import KEPT
from tests.actions import open_loans
from tests.company import CAST, NOW
from tests.cut_proxy import CutProxy, cut_proxy
from tests.running import BOUND
from tests.slack_env import SlackEnv, open_env

UNKNOWN = "can't tell yet"
HASTY = Patience(commit=0.3, read=5.0)


@pytest.fixture
def proxy(settled_on: Callable[[str], str]) -> Iterator[CutProxy]:
    with cut_proxy(make_url(settled_on("postgres"))) as proxy:
        yield proxy


@pytest.fixture
async def env(request: pytest.FixtureRequest, proxy: CutProxy, tmp_path: Path) -> AsyncIterator[SlackEnv]:
    mode = getattr(request, "param", "socket")
    async with open_env(proxy.url, mode=mode, state_directory=tmp_path) as env:
        await env.command("alice", "lend @eve 1")  # who they are is known for an hour
        await env.settled()
        yield env


async def cut(env: SlackEnv, proxy: CutProxy, words: str, *, arrives: bool) -> None:
    """Say `words`, and cut at its COMMIT; the database stays away."""
    proxy.cut_at_commit(arrives=arrives)
    with env.impatient(commit=0.5):
        answer = await env.command("alice", words)
    assert proxy.away
    assert UNKNOWN in answer.shown
    assert "nothing" not in answer.shown


@pytest.mark.parametrize("env", ["socket", "http"], indirect=True)
async def test_what_was_committed_all_the_same_is_told_and_happened_once(
    env: SlackEnv, proxy: CutProxy
) -> None:
    await cut(env, proxy, "lend @bob 20", arrives=True)
    proxy.away = False
    told = await env.hear("alice", "Now I know", "went through")
    assert "You lent *$20.00*" in told.shown
    assert env.left("alice") == 79
    again = await env.command("alice", "lend @bob 20")
    assert "confirm.yes" in again.actions
    assert env.left("alice") == 79
    await env.settled()
    assert len([one for one in env.heard("bob") if "$20.00" in one]) == 1
    env.audit()


async def test_what_was_not_committed_is_told_and_can_be_sent_again(env: SlackEnv, proxy: CutProxy) -> None:
    await cut(env, proxy, "lend @bob 20", arrives=False)
    proxy.away = False
    told = await env.hear("alice", "Now I know", "did not go through")
    assert "nothing was moved" in told.shown
    assert env.left("alice") == 99
    assert "You lent" in (await env.command("alice", "lend @bob 20")).shown
    env.audit()


async def test_who_retypes_meanwhile_is_told_the_same_also_after_minutes(
    env: SlackEnv, proxy: CutProxy
) -> None:
    notes = env.app.dispatcher.unsettled.notes
    await cut(env, proxy, "lend @bob 20", arrives=True)
    env.clock.move(minutes=3)
    with env.impatient(commit=0.2):
        assert UNKNOWN in (await env.command("alice", "lend @bob 20")).shown
    assert len(notes.left(env.clock())) == 1, "a killed process leaves the note"
    proxy.away = False
    again = await env.command("alice", "lend @bob 20")
    assert "confirm.yes" in again.actions
    assert env.left("alice") == 79
    assert not notes.left(env.clock())
    env.audit()


async def test_a_short_cut_is_not_even_noticed(env: SlackEnv, proxy: CutProxy) -> None:
    proxy.cut_at_commit(arrives=True)
    asking = asyncio.create_task(env.command("alice", "lend @bob 20"))
    await env.until(lambda: proxy.away)
    proxy.away = False
    assert "You lent *$20.00*" in (await asking).shown
    assert env.left("alice") == 79


async def test_a_database_that_is_away_before_anything_began_has_moved_nothing(
    env: SlackEnv, proxy: CutProxy
) -> None:
    proxy.go_away()
    with env.impatient(commit=0.3):
        answer = await env.command("alice", "lend @bob 20")
    assert "nothing moved" in answer.shown
    proxy.away = False
    assert env.left("alice") == 99


def told(session: Session) -> str:
    query = select(Effect.payload).where(col(Effect.key).startswith("settled:"))
    return " ".join(payload["message"]["text"] for payload in session.exec(query).all())


@pytest.mark.parametrize("went_through", [True, False])
async def test_a_killed_process_leaves_a_note_and_the_next_one_settles_it(
    sqlite: Database, tmp_path: Path, went_through: bool
) -> None:
    request = Request("K1", "slack:U01ALICE", Command("lend", text="lend @bob 20"))
    notes, away = Notes(tmp_path, sqlite.engine.url), Database("postgresql://nobody@127.0.0.1:1/none")
    dying = Unsettled(away, lambda: NOW, lambda: None, notes)
    dying.add(answers.note_of(request))
    for _, task in dying._open.values():
        task.cancel()
    if went_through:
        done = Message(text="You lent $20.00")
        sqlite.transact(lambda session: answers.keep(session, request, done, NOW, None))
    after = Unsettled(sqlite, lambda: NOW, lambda: None, Notes(tmp_path, sqlite.engine.url))
    after.resume()
    assert not await after.meets(request, BOUND)
    words = ("Now I know", "went through", "You lent $20.00") if went_through else ("did not go through",)
    assert all(one in sqlite.transact(told) for one in words)
    again = Unsettled(sqlite, lambda: NOW, lambda: None, notes)
    again.resume()
    assert not again._open, "told once"
    late = Notes(tmp_path, sqlite.engine.url)
    late.keep(answers.note_of(request), NOW - KEPT)
    assert late.left(NOW) == [], "its receipt may be deleted by now"
    away.close()


@pytest.mark.skipif("PG_TEST_URL" in os.environ, reason="the server's processes are out of reach")
@pytest.mark.parametrize("from_form", [True, False])
async def test_a_commit_that_freezes_is_said_to_be_unknown_and_settled_when_it_thaws(
    postgres_company: Database, tmp_path: Path, from_form: bool
) -> None:
    database, frozen = postgres_company, list[int]()
    dispatcher = Dispatcher(database, lambda: NOW, patience=HASTY, notes=Notes(tmp_path, database.engine.url))

    @event.listens_for(database.engine, "commit")
    def freeze(connection: Connection) -> None:
        if not frozen:
            frozen.append(connection.connection.dbapi_connection.info.backend_pid)  # type: ignore[union-attr]
            os.kill(frozen[0], signal.SIGSTOP)

    fields = {"person": CAST["bob"][0], "amount": "20"}
    lend = Request(
        "K1", f"slack:{CAST['alice'][0]}", Command.filled("lend.new", "", fields), from_form=from_form
    )
    try:
        said = (await dispatcher.handle(lend)).message
        assert isinstance(said, Message)
        assert UNKNOWN in said.text
        waits = text(
            "SELECT 1 FROM pg_locks WHERE NOT granted UNION SELECT 1 FROM effect WHERE key LIKE 'settled:%'"
        )
        while database.query(lambda session: session.execute(waits).first()) is None:
            assert dispatcher.unsettled._open
            await asyncio.sleep(0.01)
    finally:
        os.kill(frozen[0], signal.SIGCONT)
    assert not await dispatcher.unsettled.meets(lend, BOUND)
    assert "You lent" in database.transact(told)
    assert open_loans(database) == 1
    assert not database.transact(audit).wrong


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_grant_at_a_lost_commit_says_what_became_of_it(proxy: CutProxy, arrives: bool) -> None:
    proxy.cut_at_commit(arrives=arrives, of="paper")
    words = ("-m", "bot", "grant", "alice@corp.example", "25", "--reason", "paper")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=Path(__file__).parents[2], env=dict(os.environ, DATABASE_URL=proxy.url),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    while not proxy.away:
        assert child.returncode is None
        await asyncio.sleep(0.02)
    proxy.away = False
    said, _ = await asyncio.wait_for(child.communicate(), 40)
    assert (child.returncode == 0, b"gave 25" in said) == (arrives, arrives), said
