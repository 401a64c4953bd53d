"""Writes `.env.example` from the settings: `python -m bot.env_example > .env.example`."""

from __future__ import annotations

import sys
from typing import Any

from bot.settings import Settings

HEAD = "# Copy to .env and fill in. No token is mandatory: what is not configured is off.\n"


def example() -> str:
    parts = [
        f"\n# {field.description}\n{name.upper()}={_written(field.default)}\n"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "".join(parts)


def _written(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(example())
