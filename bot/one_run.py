"""One `run` on one SQLite file: two would send everything twice over and wait for each other's lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

try:
    import fcntl
except ImportError:  # not on Windows, where nobody is refused
    fcntl = None  # type: ignore[assignment]


class AlreadyRunning(Exception):  # noqa: N818 - a refusal
    """Another process runs on this file."""


@contextlib.contextmanager
def only_run(url: str) -> Iterator[None]:
    """Hold the file's lock, which ends with the process, however it ends. Postgres bears many runs."""
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
