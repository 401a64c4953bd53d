"""A dictionary that forgets its oldest entries."""

from __future__ import annotations

from typing import Any

REMEMBERED = 10_000


def remember(known: dict[str, Any], key: str, value: Any) -> None:
    """Keep it, and forget the oldest where there are too many."""
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
