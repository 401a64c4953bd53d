"""`backup` and `restore`: the runbook of docs/install.md, rehearsed, and everything that is refused on the way."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import Database
from sandbox.gateways.litellm import LiteLLM
from tests.actions import gift
from tests.console import Operator

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
