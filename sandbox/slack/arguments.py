"""The arguments of an API call, from a form, a query or JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sandbox.slack.objects import Json, SlackError
from sandbox.slack.state import State

T = TypeVar("T")


class Arguments:
    """Typed arguments. A form carries lists and objects as JSON text."""

    def __init__(self, given: Json) -> None:
        self.given = given

    def text(self, key: str, default: str = "") -> str:
        value = self.given.get(key)
        return default if value is None else str(value)

    def required(self, key: str) -> str:
        if not self.text(key):
            raise SlackError("invalid_arguments", f"missing required field: {key}")
        return self.text(key)

    def flag(self, key: str) -> bool:
        # Forms send `true` or `1`.
        return self.text(key).lower() in {"true", "1"}

    def number(self, key: str, default: int) -> int:
        try:
            return int(self.text(key) or default)
        except ValueError:
            raise SlackError("invalid_arguments", f"must be a number: {key}") from None

    def blocks(self) -> list[Json] | None:
        """The blocks; None when the argument is absent."""
        blocks = self._decoded("blocks", "invalid_blocks_format")
        if blocks is not None and not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        return blocks

    def view(self) -> Json:
        view = self._decoded("view", "invalid_arguments")
        if not isinstance(view, dict):
            raise SlackError("invalid_arguments", "missing required field: view")
        return view

    def metadata(self) -> Json | None:
        """The message metadata; None when the argument is absent."""
        metadata = self._decoded("metadata", "invalid_metadata_format")
        if metadata is None:
            return None
        if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= set(metadata):
            raise SlackError("invalid_metadata_schema")
        return metadata

    def _decoded(self, key: str, error: str) -> Any:
        value = self.given.get(key)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


Method = Callable[[State, Arguments], Json]


def page(args: Arguments, rows: Sequence[T], *, most: int = 1000) -> tuple[Sequence[T], Json]:
    """One page of `rows` and the `response_metadata` for the next page. Without a limit, everything."""
    limit = args.number("limit", len(rows) or 1)
    if not 0 < limit <= max(most, len(rows)):
        raise SlackError("invalid_limit")
    try:
        start = int(base64.b64decode(args.text("cursor")).decode() or 0)
    except ValueError:
        raise SlackError("invalid_cursor") from None
    end = start + limit
    cursor = base64.b64encode(str(end).encode()).decode() if end < len(rows) else ""
    return rows[start:end], {"response_metadata": {"next_cursor": cursor}}
