"""What the processes of a life log as errors: each is a fault of the program."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog

from bot.transactions import OutcomeUnknown


@contextlib.contextmanager
def errors() -> Iterator[list[str]]:
    """What is logged as an error meanwhile; nothing else is kept, and nothing is printed."""
    found: list[str] = []

    def keep(_: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
        if method in ("error", "exception", "critical") and not isinstance(sys.exc_info()[1], OutcomeUnknown):
            error = "".join(traceback.format_exc(limit=-6)) if event.get("exc_info") else ""
            found.append(f"{event.get('event')} {error}".strip())
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield found
    finally:
        structlog.configure(**before)
