"""What a command prints: JSON for scripts, columns for people."""

from __future__ import annotations

import json
from typing import Any

import typer


def as_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def table(rows: list[tuple[str, ...]]) -> None:
    # No frame: the table may have a hundred thousand lines.
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
