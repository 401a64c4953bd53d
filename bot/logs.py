"""Logs: one line an event on stderr, for people on a terminal and as JSON elsewhere. No token gets through."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from models.masking import masked

# Libraries that log details at INFO, some of them payloads.
QUIET = ("alembic", "aiohttp.access", "asyncio", "slack_bolt", "slack_sdk", "sqlalchemy", "websockets")


def set_up(form: str = "auto", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs, also those of libraries, to `stream` (stderr) as `console` or `json`; auto decides by terminal."""
    out = stream or sys.stderr
    as_json = form == "json" or (form == "auto" and not out.isatty())
    handler = logging.StreamHandler(stream) if stream else _Stderr()
    handler.setFormatter(_Formatter(foreign_pre_chain=_BEFORE, processors=_after(as_json, out.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)  # its warnings are advice for authors of a bot
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class Outage:
    """A dependency that may be away, such as the database: one line when it goes, one when it is back."""

    def __init__(self, what: str) -> None:
        self.what, self.reason = what, ""

    def begins(self, error: Exception) -> None:
        if not self.reason:
            self.reason = " ".join(str(error).split("\n(Background")[0].split())[:300] or type(error).__name__
            structlog.get_logger(__name__).error(f"{self.what} is away", reason=self.reason)

    def ends(self) -> None:
        if self.reason:
            self.reason = ""
            structlog.get_logger(__name__).warning(f"{self.what} is back")


_BEFORE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _after(as_json: bool, colors: bool) -> list[Processor]:
    drop: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if not as_json:
        plain = structlog.dev.plain_traceback
        return [drop, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return [
        drop,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


class _Formatter(structlog.stdlib.ProcessorFormatter):
    # The finished line is masked: values, messages of libraries and tracebacks alike.
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _Stderr(logging.StreamHandler[TextIO]):
    # Looks sys.stderr up at each line, because tests and shells replace it.
    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr
