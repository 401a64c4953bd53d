"""One line an event, and no token in it."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.app import open_app
from bot.logs import set_up
from bot.settings import Settings
from models.masking import masked

TOKENS = [
    "xoxb-" + "1234567890-abcdefABCDEF",
    "xoxe.xoxp-" + "1-Mi0yLTEyMzQ1",
    "xapp-" + "1-A012-345-deadbeef",
    "sk-" + "ant-api03-abcdefghijklmnop_-x",
    "Bearer " + "abc.def-ghi",
]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def test_an_event_is_one_json_line_with_its_facts(out: io.StringIO) -> None:
    set_up("json", "INFO", out)
    structlog.get_logger().info("running", messengers=["slack"], name="小李")
    line = json.loads(out.getvalue())
    assert line["event"] == "running"
    assert line["level"] == "info"
    assert line["messengers"] == ["slack"]
    assert "小李" in out.getvalue()
    assert line["timestamp"].endswith("Z")


def test_auto_is_json_where_no_terminal_is(out: io.StringIO) -> None:
    set_up("auto", "INFO", out)
    structlog.get_logger().info("running")
    assert json.loads(out.getvalue())["event"] == "running"


def test_on_a_console_it_is_for_people(out: io.StringIO) -> None:
    set_up("console", "INFO", out)
    structlog.get_logger().info("running", http="127.0.0.1:8080")
    assert "running" in out.getvalue()
    assert "http=127.0.0.1:8080" in out.getvalue()
    assert "{" not in out.getvalue()


def test_the_level_is_kept_to(out: io.StringIO) -> None:
    set_up("json", "WARNING", out)
    structlog.get_logger().info("too quiet")
    logging.getLogger("somebody").info("too quiet")
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["loud"]


def test_what_libraries_log_looks_the_same(out: io.StringIO) -> None:
    set_up("json", "INFO", out)
    logging.getLogger("somebody.else").warning("slow: %s s", 3)
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("slow: 3 s", "warning", "somebody.else")


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("token", TOKENS)
def test_no_token_gets_out_by_any_way(out: io.StringIO, form: str, token: str) -> None:
    set_up(form, "DEBUG", out)
    log = structlog.get_logger()
    log.info(f"got {token}", value=token, inner={"deep": [token]})
    logging.getLogger("somebody").warning("header %s", token)
    try:
        int(token)
    except ValueError:
        log.exception("failed")
        logging.getLogger("somebody").exception("failed")
    secret = token.split("-", 1)[-1].rsplit(" ", 1)[-1]
    assert secret not in out.getvalue()
    assert "***" in out.getvalue()


def test_the_kind_of_a_secret_and_everything_else_stays() -> None:
    assert masked("with xoxb-" + "12345678 for U02BOB") == "with xoxb-*** for U02BOB"
    assert masked("postgresql://bot:" + "hunter2@db/quota") == "postgresql://bot:***@db/quota"
    assert masked("\x1b[35msk-" + "abcdefgh\x1b[0m") == "\x1b[35msk-***\x1b[0m"
    harmless = "task-force risk-free disk-usage at http://127.0.0.1:8080/x alice@corp.example"
    assert masked(harmless) == harmless


async def test_what_bolt_advises_whoever_writes_a_bot_is_not_told_to_operators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up("console", "INFO")
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKENS[0])
    async with open_app(
        Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/q.db", slack_signing_secret="s")
    ) as built:
        built.messengers["slack"].app.logger.warning(
            "You can handle this with the following listener function"
        )
    assert "slack_bolt" not in capsys.readouterr().err
