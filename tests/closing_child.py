"""`quotabot tick` in a process of its own, with SIGKILL at its n-th statement or commit, for `test_closing_kills`."""

from __future__ import annotations

import os
import signal
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from bot.cli.app import app
from models.quota import closing


def tick(url: str, now: str, chunk: int, at: int) -> None:
    """Do what is due at `now` in pieces of `chunk` people; SIGKILL at step `at`, never for 0."""
    os.environ |= {"DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
    closing.CHUNK = chunk
    left = at

    def step(*_: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    app(["tick", "--now", now, "--yes"])
