"""`backup` and `restore`: the runbook of docs/install.md, rehearsed, and everything that is refused on the way."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from bot.database import Database
from bot.one_run import only_run
from models.messages.outbox import Effect
from sandbox.gateways.litellm import LiteLLM
from tests.actions import gift
from tests.console import Operator
from tests.office import Office

GRANT = ("grant", "alice@corp.example", "20", "--reason", "load test")


def backed_up(operator: Operator, name: str = "copy.db") -> Path:
    operator.run("backup", str(operator.folder / name))
    return operator.folder / name


def test_the_runbook_brings_back_what_the_copy_had(operator: Operator) -> None:
    before = operator.show("alice")
    copy = backed_up(operator)
    hash_ = operator.says("audit", "--chain").split()[-1]
    operator.run(*GRANT)
    restored = operator.says("restore", str(copy), "--yes")
    assert "is sound" in restored
    assert operator.show("alice") == before
    operator.run("audit")
    operator.run("audit", "--chain", "--hash", hash_)
    kept = next(operator.folder.glob("quotabot.db.replaced-*"))
    assert str(kept) in restored
    operator.run("restore", str(kept), "--yes")  # and back again
    assert operator.show("alice")["top_ups"] == "20"


def test_a_copy_is_whole_private_and_one_file_while_others_write(operator: Operator) -> None:
    database, stop = Database(os.environ["DATABASE_URL"]), threading.Event()

    def write() -> None:
        while not stop.is_set():
            gift(database, "alice", 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [backed_up(operator, f"copy{number}.db") for number in range(3)]
    finally:
        stop.set()
        writer.join()
        database.close()
    for copy in copies:
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT SUM(balance) FROM account").fetchone() == (0,)
    assert sorted(one.name for one in operator.folder.glob("*copy*")) == ["copy0.db", "copy1.db", "copy2.db"]


def test_nothing_is_replaced_without_consent(operator: Operator) -> None:
    copy = backed_up(operator)
    content = copy.read_bytes()
    operator.run(*GRANT)
    assert "--yes" in operator.fails("backup", str(copy))
    assert copy.read_bytes() == content
    assert "--yes" in operator.run("restore", str(copy), code=1).stderr
    assert operator.show("alice")["top_ups"] == "20"
    operator.run("backup", str(copy), "--yes")
    assert copy.read_bytes() != content
    assert not list(operator.folder.glob(".*new*"))


def test_a_file_that_is_no_sound_copy_is_refused(operator: Operator) -> None:
    copy = backed_up(operator)
    empty = operator.folder / "other.db"
    with closing(sqlite3.connect(empty)) as connection:
        connection.execute("CREATE TABLE t (a)")
    torn = operator.folder / "torn.db"
    torn.write_bytes(copy.read_bytes()[: 40 * 1024] + bytes(20_000))
    wrong, broken = operator.folder / "wrong.db", operator.folder / "broken.db"
    for file, sql in (
        (wrong, "UPDATE account SET balance = balance + 1 WHERE kind = 'allocation'"),
        (broken, "UPDATE transfer SET reason = 'another'"),
    ):
        file.write_bytes(copy.read_bytes())
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DROP TRIGGER transfer_refuses_update")
            connection.execute(sql)
    for file, why in (
        (operator.file("text.db", "hello\n" * 500), "no sound SQLite database"),
        (empty, "no database of quotabot"),
        (torn, ""),
        (wrong, "does not add up"),
        (broken, "the chain breaks"),
        (operator.folder / "none.db", "No such file"),
    ):
        assert why in operator.fails("restore", str(file), "--yes"), file
    assert operator.show("alice")["available"] == "100"
    assert not list(operator.folder.glob("*replaced*"))


def test_a_database_that_is_damaged_is_kept_as_it_is_and_replaced(operator: Operator) -> None:
    copy = backed_up(operator)
    (operator.folder / "quotabot.db").write_bytes(b"no database" * 1000)
    operator.run("restore", str(copy), "--yes")
    assert operator.show("alice")["available"] == "100"
    assert next(operator.folder.glob("quotabot.db.replaced-*")).read_bytes().startswith(b"no database")


def test_the_database_is_never_its_own_copy_and_postgres_has_its_own_tools(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "itself" in operator.fails("backup", str(operator.folder / "quotabot.db"))
    assert "itself" in operator.fails("restore", str(operator.folder / "quotabot.db"), "--yes")
    assert "a folder" in operator.fails("backup", str(operator.folder))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for command in ("backup", "restore"):
        assert "pg_dump" in operator.fails(command, "copy.db")


async def test_a_restore_says_what_the_gateway_counts_beyond_the_copy(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LiteLLM() as gateway:
        gateway.add_user("alice@corp.example", 0)
        for name, value in {
            "GATEWAY_KIND": "litellm", "GATEWAY_URL": gateway.url, "GATEWAY_KEY": gateway.key,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(operator.run, "gateway", "link")
        copy = await asyncio.to_thread(backed_up, operator)
        gateway.burn("alice@corp.example", 7.5)
        gateway.flush()
        said = await asyncio.to_thread(operator.says, "restore", str(copy), "--yes")
        assert "7.50 USD more than the copy, at 1 accounts" in said
        assert "GATEWAY_MODE=observe" in said
    said = await asyncio.to_thread(operator.says, "restore", str(copy), "--yes")
    assert "the gateway was not compared" in said


async def test_after_a_restore_nobody_can_spend_more_than_the_ledger_has(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runbook of docs/install.md with a gateway: limits from the time after the copy are no edits by hand."""
    alice, bob, run = "alice@corp.example", "bob@corp.example", partial(asyncio.to_thread, operator.run)
    async with LiteLLM(users={alice: alice, bob: bob}) as gateway:
        office = Office(operator, gateway)
        for name, value in {
            "KIND": "litellm",
            "URL": gateway.url,
            "KEY": gateway.key,
            "MODE": "enforce",
        }.items():
            monkeypatch.setenv(f"GATEWAY_{name}", value)
        await office.looks()
        copy = await asyncio.to_thread(backed_up, operator)
        await run("grant", bob, "30", "--reason", "x")
        await run("grant", "--reason", "x", "--", alice, "-30")
        await office.looks()
        office.burn(bob, 5)
        await run("restore", str(copy), "--yes")
        for _ in range(2):
            await office.looks()
        assert (office.limit(alice), office.limit(bob)) == (70, 500)
        assert (await asyncio.to_thread(operator.show, "bob"))["used"] == "5"
        said = await office.says("status")
        assert "from after the backup: alice@corp.example" in said
        assert "changed by hand" not in said
        told = str(office.inside(lambda session: [one.payload for one in session.exec(select(Effect)).all()]))
        assert told.count("The ledger was put back from a backup") == 1
        assert "somebody changed" not in told
        await office.says("restore", "--all")
        await office.looks()
        assert office.limit(alice) == 100
        assert "backup" not in await office.says("status")


def test_a_restore_under_a_running_bot_is_refused(operator: Operator) -> None:
    copy = backed_up(operator)
    with only_run(os.environ["DATABASE_URL"]):
        failed = operator.run("restore", str(copy), "--yes", code=1)
    assert "`quotabot run` is using" in failed.stderr
    assert not list(operator.folder.glob("*replaced*"))
