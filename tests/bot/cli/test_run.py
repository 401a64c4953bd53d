"""`quotabot run` as a process: what keeps it from starting, or a part of it from working, is one line that names the setting."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """The bot in an empty folder, with these settings only."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {"PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{folder}/q.db", "HTTP_PORT": "0"} | settings
    child = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], cwd=folder, env=plain | given, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stderr is not None
        child.stderr.close()


def until(child: subprocess.Popen[str], words: str) -> list[str]:
    """The lines up to the first one with these words; all of them where it ends before."""
    assert child.stderr is not None
    lines: list[str] = []
    for line in child.stderr:
        lines.append(line.strip())
        if words in line:
            break
    return lines


def test_a_second_run_on_the_same_sqlite_file_refuses(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        assert "running" in until(first, "running")[-1]
        with running(tmp_path) as second:
            assert "another `quotabot run`" in until(second, "another")[-1]
            assert second.wait(20) == 1
        first.kill()
        first.wait()
        with running(tmp_path) as third:
            assert "running" in until(third, "running")[-1]


@pytest.mark.parametrize("setting", ["HTTP_PORT", "METRICS_PORT"])
def test_a_misspelled_name_and_a_port_that_is_taken_are_said_with_their_setting(
    tmp_path: Path, setting: str
) -> None:
    (tmp_path / ".env").write_text("SLACK_BOTTOKEN=xoxb-1\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with running(tmp_path, **{setting: port}) as child:
            lines = until(child, "cannot be taken")
            assert lines[-1].startswith(f"{setting}: 127.0.0.1:{port} cannot be taken")
            assert any("SLACK_BOTTOKEN" in line and "SLACK_BOT_TOKEN" in line for line in lines)
            assert child.wait(20) == 1


def test_swapped_tokens_are_said(tmp_path: Path) -> None:
    with running(
        tmp_path, SLACK_BOT_TOKEN="xapp-1", SLACK_APP_TOKEN="xoxb-1", SLACK_API_URL="http://127.0.0.1:1/"
    ) as child:
        assert "SLACK_APP_TOKEN" in until(child, "SLACK_BOT_TOKEN")[-1]
