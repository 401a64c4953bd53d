"""`audit` and `export audit`."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from bot.actor import acting_user
from bot.database import Database
from tests.console import Operator


def test_audit_lists_faults_and_exits_1(operator: Operator) -> None:
    assert "everything adds up" in operator.says("audit")
    database = Database(os.environ["DATABASE_URL"])
    database.transact(
        lambda session: (
            session.execute(text("UPDATE account SET balance = balance + 1 WHERE kind = 'allocation'"))
            and None
        )
    )
    database.close()
    said = operator.run("audit", code=1)
    assert "not true: a balance is the sum of its entries: row" in said.stderr
    assert json.loads(operator.run("audit", "--json", code=1).stdout)["wrong"]


def tamper(operator: Operator, *statements: str) -> None:
    with sqlite3.connect(operator.folder / "quotabot.db") as connection:
        for one in statements:
            connection.execute(one)
    connection.close()


def test_the_chain_holds_after_every_command_and_its_hash_is_printed_with_reports(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "20", "--reason", "load test")
    found = json.loads(operator.says("audit", "--chain", "--json"))
    assert found["broken"] is None
    assert found["unsealed"] == 0
    assert found["rows"] > 10
    hash_ = found["head"]["hash"]
    assert hash_ in operator.says("audit", "--chain")
    assert json.loads(operator.says("report", "--json"))["chain"]["hash"] == hash_
    assert hash_ in operator.run("report", "--format", "csv").stderr
    assert hash_ in operator.run("export", "audit").stderr
    operator.run("grant", "alice@corp.example", "20", "--reason", "load test")
    operator.run("audit", "--chain", "--hash", hash_)
    assert "does not have the hash" in operator.run("audit", "--chain", "--hash", "0" * 64, code=1).stderr
    operator.run("audit", "--hash", hash_, code=2)


def test_a_changed_grant_breaks_the_chain_though_all_sums_agree(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "20", "--reason", "load test")
    tamper(
        operator,
        "DROP TRIGGER transfer_refuses_update",
        "UPDATE transfer SET actor = 'policy' WHERE kind = 'grant'",
    )
    operator.run("audit")
    said = operator.fails("audit", "--chain")
    assert said.startswith("the chain breaks at seal ")
    assert "transfer" in said
    assert "a row was changed" in said
    operator.run("grant", "alice@corp.example", "20", "--reason", "more")
    assert operator.fails("audit", "--chain") == said  # sealing on does not mend it


def test_the_audit_trail_names_the_real_actor(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "20", "--reason", "load test")
    moved = operator.file(
        "moved.csv", "name,email,manager_email\nAlice,alice@corp.example,lee@corp.example\n"
    )
    operator.run("people", "import", moved)
    operator.run("people", "leave", "dan@corp.example", "--yes")
    rows = operator.rows("audit")
    assert {row["record"] for row in rows} == {"authority", "transfer"}
    mine = [
        row for row in rows if row["actor"] == acting_user() and row["what"] in ("grant", "manager", "left")
    ]
    assert [(row["what"], row["who"], row["before"], row["after"]) for row in mine] == [
        ("manager", "alice@corp.example", "carol@corp.example", "lee@corp.example"),
        ("left", "dan@corp.example", "here", "away"),
        ("grant", "alice@corp.example", "issued", "top_up alice@corp.example"),
    ]
    assert acting_user().removeprefix("admin:") not in ("", "admin")
    table = list(csv.DictReader(io.StringIO(operator.says("export", "audit"))))
    assert len(table) == len(rows)
    assert sum(row["what"] == "joined" for row in rows) == 6


def test_patterns_are_listed_with_names_and_sums(operator: Operator) -> None:
    assert "0 patterns" in operator.says("audit", "--patterns")
    assert json.loads(operator.says("audit", "--patterns", "--json")) == []
    operator.run("audit", "--patterns", "--chain", code=2)


def test_a_program_of_its_own_seals_what_it_wrote(fresh: Operator) -> None:
    """Only a new process has no table that another command imported."""
    fresh.settle()
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "grant", "alice@corp.example", "5", "--reason", "a task"],
        cwd=fresh.folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "0 not sealed yet" in fresh.says("audit", "--chain")
