"""Rows as lines of CSV, which spreadsheets open safely, and of JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "|", "%")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_lines(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Header and rows, each with its line end. No cell can be read as a formula."""
    names = list(columns)
    yield _line(names)
    for row in rows:
        yield _line([safe(row.get(name)) for name in names])


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON object a line; absent values are null."""
    for row in rows:
        yield json.dumps(dict(row), ensure_ascii=False, default=str) + "\n"


def safe(value: Any) -> str:
    # Spreadsheets compute text that begins with =, +, - or @; an apostrophe in front keeps it text.
    text = "" if value is None else str(value)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
