"""CSV files: read as spreadsheets write them (UTF-8 with or without BOM, GBK), written so that spreadsheets open them safely."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.encoding import UnreadableTextError, decode, rows

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "|", "%")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class SheetError(ValueError):
    """All faults of a file, by line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Line:
    """One row; `cells` by column name, trimmed, empty if absent."""

    number: int
    cells: dict[str, str]


def lines(data: bytes, required: Sequence[str], known: Sequence[str]) -> Iterator[Line]:
    """The rows below the header, without empty ones. Raises `SheetError`."""
    found = rows(_decoded(data), required[0])
    try:
        header = [cell.strip().lower() for cell in next(found, (1, []))[1]]
        _check_header(header, required, known)
        for number, row in found:
            if any(cell.strip() for cell in row):
                if len(row) > len(header):
                    raise SheetError([f"line {number}: more cells than the header has"])
                cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
                yield Line(number, dict.fromkeys(known, "") | cells)
    except csv.Error as error:
        why, line = error.args
        raise SheetError([f"line {line}: {why}"]) from error


def _decoded(data: bytes) -> str:
    try:
        return decode(data)
    except UnreadableTextError as error:
        raise SheetError([str(error)]) from error


def _check_header(header: list[str], required: Sequence[str], known: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise SheetError([f"line 1: the header lacks {', '.join(missing)}; it is {','.join(known)}"])
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise SheetError([f"line 1: {', '.join(sorted(twice))} stands in the header twice"])


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
