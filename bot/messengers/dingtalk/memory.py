"""A dictionary that forgets its oldest entries."""

from __future__ import annotations

from typing import Any

REMEMBERED = 10_000


def remember(known: dict[str, Any], key: str, value: Any) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
