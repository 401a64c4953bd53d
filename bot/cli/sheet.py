"""A CSV file as somebody's spreadsheet wrote it: UTF-8, with or without BOM, or GBK; every row knows its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class SheetError(ValueError):
    """What is wrong with a file, by line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Line:
    """One row; `cells` by column name, trimmed, absent ones empty."""

    number: int
    cells: dict[str, str]


def lines(data: bytes, required: Sequence[str], known: Sequence[str]) -> Iterator[Line]:
    """The rows below the header; empty ones are left out. Raises `SheetError` for what is no such file."""
    reader = csv.reader(io.StringIO(_decoded(data), newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, required, known)
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) > len(header):
                    raise SheetError([f"line {reader.line_num}: more cells than the header has"])
                cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
                yield Line(reader.line_num, dict.fromkeys(known, "") | cells)
    except csv.Error as error:
        raise SheetError([f"line {reader.line_num}: {error}"]) from error


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gbk"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise SheetError(["line 1: neither UTF-8 nor GBK text"])


def _check_header(header: list[str], required: Sequence[str], known: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise SheetError([f"line 1: the header lacks {', '.join(missing)}; it is {','.join(known)}"])
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise SheetError([f"line 1: {', '.join(sorted(twice))} stands in the header twice"])
