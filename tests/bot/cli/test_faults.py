"""What the console says where a database, a file, a setting or a part is not there; and the console script itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.database import Database
from models.quota.period import Period
from tests.console import PEOPLE, Operator

# databases, settings, and what is not there


def test_a_postgres_schema_that_is_behind_is_refused_until_migrated(
    postgres_schema: str, fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Database(postgres_schema)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS behind"))
        connection.execute(text("CREATE DATABASE behind"))
    url = admin.engine.url.set(drivername="postgresql", database="behind").render_as_string(
        hide_password=False
    )
    monkeypatch.setenv("DATABASE_URL", url)
    for words in (("audit",), ("run",), ("show", "a@b.c")):
        assert fresh.fails(*words) == "the schema is behind this program: run `quotabot migrate`"
    fresh.run("migrate")
    fresh.run("migrate")
    assert "everything adds up" in fresh.says("audit")
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE behind WITH (FORCE)"))
    admin.close()


def test_a_missing_sqlite_file_is_made_and_a_newer_one_is_left_alone(fresh: Operator) -> None:
    assert "everything adds up" in fresh.says("audit")
    database = Database(os.environ["DATABASE_URL"])
    database.transact(
        lambda session: session.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None
    )
    database.close()
    assert "newer quotabot" in fresh.fails("audit")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root@localhost/db", "mysql is not supported"), ("nonsense", "no address of a database"),
        ("postgresql://me@host:port/db", "no address of a database"),
        ("sqlite:////nowhere/at/all.db", "does not answer"), ("postgresql://nobody:hush@127.0.0.1:1/db", "does not answer"),
    ],
)  # fmt: skip
def test_a_database_that_cannot_be_reached_is_one_line(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    said = fresh.fails("audit")
    assert why in said
    assert "hush" not in said
    assert "\n" not in said


def test_a_file_that_is_not_a_database_is_one_line(fresh: Operator, tmp_path: Path) -> None:
    (tmp_path / "quotabot.db").write_bytes(b"holiday photo " * 500)
    for words in (("audit",), ("migrate",), ("run",), ("people", "export")):
        assert fresh.fails(*words) == "the database cannot be read: file is not a database"


def test_an_env_file_that_is_not_text_is_one_line(fresh: Operator, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfeH\x00")
    assert fresh.fails("audit") == ".env: not UTF-8; save the file as UTF-8"


def test_a_wrong_setting_is_named(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "many")
    assert fresh.fails("audit").startswith("HTTP_PORT: ")
    monkeypatch.setenv("HTTP_PORT", "70000")
    assert fresh.fails("run").startswith("HTTP_PORT: ")


def test_a_gateway_without_its_key_is_one_line(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KIND", "litellm")
    assert fresh.fails("run") == "the gateway: GATEWAY_KIND litellm needs GATEWAY_URL and GATEWAY_KEY"


def test_a_missing_file_is_one_line(fresh: Operator) -> None:
    for words in (("people", "import"), ("usage", "import"), ("policy", "plan"), ("policy", "apply")):
        assert fresh.fails(*words, "nowhere.txt") == "nowhere.txt: No such file or directory"
    assert fresh.fails("policy", "plan") == "policy.yaml: No such file or directory"


def test_nothing_can_be_granted_before_a_policy(fresh: Operator) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    assert fresh.show("alice")["period"] is None
    assert "policy" in fresh.fails("grant", "alice@corp.example", "5", "--reason", "x")
    assert "policy" in fresh.fails("usage", "import", fresh.file("u.csv", "email,day,model,amount\n"))
    assert "no policy" in fresh.says("tick")
    assert fresh.says("export", "ledger").count("\n") == 1


def test_a_grant_is_refused_while_a_period_turns_and_a_tick_finishes_the_turn(operator: Operator) -> None:
    database = Database(os.environ["DATABASE_URL"])
    database.transact(lambda session: setattr(Period.current(session), "state", "turning"))
    database.transact(lambda session: session.execute(text("UPDATE period SET step = 6")) and None)
    database.close()
    assert "closing" in operator.fails("grant", "alice@corp.example", "5", "--reason", "x")
    operator.run("tick")
    operator.run("grant", "alice@corp.example", "5", "--reason", "x")


@pytest.mark.parametrize("words", [("report", "--period", "2026-11", "--format", "csv"), ("budget",)])
def test_without_a_policy_there_is_nothing_to_report(fresh: Operator, words: tuple[str, ...]) -> None:
    assert "policy" in fresh.fails(*words)


@pytest.mark.parametrize(
    "words", [("sho",), ("show",), ("export",), ("tick", "--later"), ("people", "sync", "pigeon")]
)
def test_wrong_usage_exits_2(fresh: Operator, words: tuple[str, ...]) -> None:
    assert fresh.run(*words, code=2).stderr


def test_the_demo_refuses_to_start_with_real_tokens(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "a-real-one")
    said = fresh.fails("demo", "--port", "0", "--no-browser")
    assert "SLACK_BOT_TOKEN" in said
    assert "a-real-one" not in said


# the console script itself


def quotabot(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "LANG": "C", **more}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env=environment,
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )


def test_the_console_script_says_its_version_and_refuses_on_stderr(operator: Operator) -> None:
    assert quotabot("--version").stdout.startswith("quotabot ")
    refused = quotabot("show", "nobody@corp.example", "--json")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "nobody has the e-mail nobody@corp.example\n"


def test_a_closed_pipe_is_not_an_error(operator: Operator) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = f"{sys.executable} -m bot export ledger | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, text=True, capture_output=True, check=False
    )
    assert done.stdout.startswith("id,at,kind")
    assert not done.stderr
