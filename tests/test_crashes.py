"""kill -9 at every named step of lend and approve, then a restart that hears everything once more.

Acknowledged and lost: none. Done twice: none. The audit finds nothing, and everybody was told: perhaps twice, never not.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from bot.database import Database
from models.messages.outbox import LEASE, Effect
from models.messages.receipt import Receipt
from tests import crash_child
from tests.actions import USD, ask_for, has, loan, open_loans, sound
from tests.company import CAST, NOW
from tests.crash_child import STEPS, Bot, Paper

SLACK = {name: f"slack:{row[0]}" for name, row in CAST.items()}
OTHERS = ("bob", "eve", "max")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash_child"])


@dataclass(frozen=True)
class Story:
    """What is heard, and whether exactly that happened. `told`: who hears of each."""

    begin: Callable[[Database], list[Any]]
    happened: Callable[[Database], bool]


def lends(_: Database) -> list[Any]:
    return [
        (f"lend-{name}", SLACK["alice"], ("lend.new",), {"person": CAST[name][0], "amount": "10"})
        for name in OTHERS
    ]


def lent_once(database: Database) -> bool:
    return open_loans(database) == 3 and all(loan(database, "alice", name).principal == 10 for name in OTHERS)


def approvals(database: Database) -> list[Any]:
    codes = {name: ask_for(database, name, 10) for name in OTHERS}
    deciders = {"bob": "carol", "eve": "carol", "max": "cfo"}
    return [
        (f"yes-{name}", SLACK[deciders[name]], ("request.approve", code), {}) for name, code in codes.items()
    ]


def granted_once(database: Database) -> bool:
    return all(has(database, name).top_ups == 10 * USD for name in OTHERS)


STORIES = {"lend": Story(lends, lent_once), "approve": Story(approvals, granted_once)}


def until_shot(
    url: str, paper: Path, heard: list[Any], step: str, hit: int, *, together: bool
) -> dict[str, str]:
    """Start a bot, let it hear all of it and be shot; what it had answered by then, by key."""
    ours, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(
        target=crash_child.live, args=(theirs, url, str(paper), NOW, heard, step, hit, together)
    )
    child.start()
    theirs.close()
    answered = {}
    try:
        while ours.poll(60):
            key, answer = ours.recv()
            answered[key] = answer
    except (EOFError, ConnectionResetError):
        child.join(60)
    ours.close()
    assert child.exitcode == -signal.SIGKILL, f"it was not shot {step}, but ended with {child.exitcode}"
    child.close()
    return answered


def restart(url: str, paper: Path, heard: list[Any]) -> dict[str, str]:
    """A new process after the lease of the old one: the messenger delivers everything again, twice."""

    async def go() -> dict[str, str]:
        bot = Bot(url, Paper(paper), NOW + LEASE + timedelta(seconds=1))
        try:
            answers = {key: await bot.hear(key, *rest) for key, *rest in heard}
            again = {key: await bot.hear(key, *rest) for key, *rest in heard}
            assert again == answers
            bot.worker.pace.wait = lambda *_: 0.0  # type: ignore[method-assign]
            await bot.worker.drain()
        finally:
            bot.database.close()
        return answers

    return asyncio.run(go())


def shoot(
    database: Database, url: str, paper: Path, story: Story, step: str, hit: int, *, together: bool = False
) -> None:
    heard = story.begin(database)
    answered = until_shot(url, paper, heard, step, hit, together=together)
    answers = restart(url, paper, heard)
    assert answered.items() <= answers.items(), "what was answered once is answered the same again"
    assert story.happened(database)
    sound(database)
    everything_was_said_and_little_twice(database, paper)


def everything_was_said_and_little_twice(database: Database, paper: Path) -> None:
    promised = database.transact(
        lambda session: session.exec(select(Effect).where(col(Effect.kind).in_(("say", "answer")))).all()
    )
    assert all(one.done_at for one in promised)
    said = Counter(json.loads(line)[0] for line in paper.read_text(encoding="utf-8").splitlines())
    keys = {one.key for one in promised}
    assert keys == {key for key in said if not key.startswith("replace:")}
    assert sum(said[key] - 1 for key in keys) <= 2, (
        "only what was on its way when the shot fell is said twice"
    )
    heard = {json.loads(line)[1] for line in paper.read_text(encoding="utf-8").splitlines()}
    assert {SLACK[name] for name in OTHERS} <= heard
    receipts = database.transact(lambda session: session.exec(select(Receipt.key)).all())
    assert len(receipts) == len(OTHERS)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("name", "hit"), [("lend", 2), ("approve", 1)])
def test_after_a_kill_nothing_is_lost_and_nothing_done_twice(
    sqlite_company: Database, tmp_path: Path, name: str, step: str, hit: int
) -> None:
    url = sqlite_company.engine.url.render_as_string()
    shoot(sqlite_company, url, tmp_path / "paper", STORIES[name], step, hit)


@pytest.mark.parametrize(
    ("name", "step", "hit", "together"),
    [
        ("lend", "before the commit", 1, True),
        ("lend", "after the commit, before the answer", 1, True),
        ("approve", "after the transfer", 2, False),
        ("approve", "before the commit", 2, False),
        ("approve", "after the commit, before the answer", 2, False),
    ],
)
def test_after_a_kill_on_postgres_nothing_is_lost_and_nothing_done_twice(
    postgres_company: Database,
    postgres_url: str,
    tmp_path: Path,
    name: str,
    step: str,
    hit: int,
    together: bool,
) -> None:
    """The lends share a commit: all of them are in it, or none."""
    shoot(postgres_company, postgres_url, tmp_path / "paper", STORIES[name], step, hit, together=together)
