"""`pause` and `resume`: an operator's brake."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from bot.database import Database
from models.metering.gateway_account import GatewayAccount
from models.metering.reading import Reading
from tests.company import who
from tests.console import Operator


def account(operator: Operator) -> None:
    database = Database(f"sqlite:///{operator.folder}/quotabot.db")
    reading = Reading("key", 0, None, datetime.now(UTC))
    database.transact(lambda session: GatewayAccount.link(session, reading, who(session, "alice")) and None)
    database.close()


def test_an_operator_pauses_where_a_gateway_enforces(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(operator)
    words = ("pause", "alice@corp.example", "--reason", "key leaked")
    assert "nothing can stop Alice" in operator.fails(*words)
    for name, value in {
        "KIND": "litellm",
        "MODE": "enforce",
        "URL": "http://127.0.0.1:9",
        "KEY": "sk",
    }.items():
        monkeypatch.setenv(f"GATEWAY_{name}", value)
    assert "Alice is paused" in operator.says(*words)
    assert "not paused any more" in operator.says("resume", "alice@corp.example")
    assert "is not paused" in operator.fails("resume", "alice@corp.example")
    with sqlite3.connect(operator.folder / "quotabot.db") as database:
        said = [
            json.loads(row[0])["message"]["text"]
            for row in database.execute("SELECT payload FROM effect WHERE kind = 'say'")
        ]
        kept = list(database.execute("SELECT becomes FROM authority WHERE what = 'pause' ORDER BY id"))
    paused, resumed = said
    assert "An admin" in paused
    assert "key leaked" in paused
    assert "resume Alice" in paused
    assert "An admin" in resumed
    assert kept == [("paused: key leaked",), ("goes on",)]
    operator.run("audit", "--chain")
