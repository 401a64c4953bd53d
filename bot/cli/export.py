"""Rows as CSV that is safe to open in a spreadsheet, or as JSON lines."""

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
    """A header and a line a row, each with its line end; no cell can be taken for a formula."""
    names = list(columns)
    yield _line(names)
    for row in rows:
        yield _line([safe(row.get(name)) for name in names])


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON object a line; what is absent is null."""
    for row in rows:
        yield json.dumps(dict(row), ensure_ascii=False, default=str) + "\n"


def safe(value: Any) -> str:
    """A cell that no spreadsheet computes: text that looks like a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
