"""CSV files: read as spreadsheets write them (UTF-8 with or without BOM, GBK)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.encoding import UnreadableTextError, decode, rows


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
