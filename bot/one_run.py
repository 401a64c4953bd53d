"""A lock against two `run` on one SQLite file: both would send every message."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

try:
    import fcntl
except ImportError:  # Windows has no fcntl: no lock there
    fcntl = None  # type: ignore[assignment]


class AlreadyRunning(Exception):  # noqa: N818 - a refusal
    """Another process runs on this file."""


@contextlib.contextmanager
def only_run(url: str) -> Iterator[None]:
    # flock ends with the process, even after a kill. Postgres supports several runs.
    parsed = make_url(url)
    if fcntl is None or parsed.get_backend_name() != "sqlite" or not parsed.database:
        yield
        return
    path = Path(f"{parsed.database}-run")
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(parsed.database) from None
        yield
    finally:
        os.close(opened)
