"""people.csv: rows as spreadsheets write them, all their faults by line, and the way back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.encoding import UnreadableTextError, decode, rows
from bot.people.header import read_header
from models.people.messenger import TRAITS, id_columns
from models.people.roster import EMPLOYMENTS, Row, columns, identifiers, shared_ids
from models.policy.fields import is_email, zones
from models.policy.yaml_tree import guess

_EXPONENT = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠|%\t\r\n]")


class PeopleError(ValueError):
    """The file was refused. `problems`: (line, reason) of every fault; `rows`: the legible rows."""

    def __init__(self, problems: Iterable[tuple[int, str]], rows: Sequence[Row] = ()) -> None:
        self.problems = tuple(sorted(problems))
        self.rows = tuple(rows)
        super().__init__("\n".join(f"line {line}: {why}" for line, why in self.problems))


def read_people(data: bytes) -> list[Row]:
    """The people in a file (UTF-8, UTF-16 with a byte order mark, GBK). Raises `PeopleError` with every bad row."""
    problems: list[tuple[int, str]] = []
    people: dict[str, Row] = {}
    lines = _lines(_decoded(data), problems)
    lines = (one for one in lines if not (one[1] and one[1][0].startswith("#")))
    header = _header(*next(lines, (1, [])))
    for line, cells in lines:
        if any(cell.strip() for cell in cells):
            _take(line, cells, header, people, problems)
    if not people and not problems:
        problems.append((1, "there is nobody below the header"))
    problems += shared_ids(people.values())
    if problems:
        raise PeopleError(problems, list(people.values()))
    return list(people.values())


def write_people(people: Iterable[Mapping[str, str]], extra: Sequence[str]) -> str:
    """Header and rows; `extra`: the columns after ours. Safe in a spreadsheet, and read back unchanged."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [*columns(), *extra]
    writer.writerow([sealed(name) for name in names])
    for person in people:
        writer.writerow([sealed(person.get(name, "")) for name in names])
    return out.getvalue()


def sealed(cell: str) -> str:
    # An apostrophe in front keeps a spreadsheet from computing the cell. Cells that begin with apostrophes
    # get one more, so that `unsealed` is exact.
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unsealed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


# --- the file --------------------------------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    try:
        return decode(data)
    except UnreadableTextError as error:
        raise PeopleError([(error.line, error.why)]) from error


def _lines(text: str, problems: list[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    # The rows before the fault are still read, so that all problems are listed at once.
    try:
        yield from rows(text, "email")
    except csv.Error as error:
        why, line = error.args
        problems.append((line, f"is not CSV from here on: {why}"))


def _header(line: int, cells: list[str]) -> list[str]:
    written = [unsealed(cell.strip()) for cell in cells]
    if not any(written):
        raise PeopleError(
            [(line, f"the file is empty; its first line must be a header: {','.join(columns())}")]
        )
    names, wrong = read_header(written)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    problems = [(line, f'the column "{name}" is there twice') for name in twice]
    problems += [(line, why) for why in wrong]
    if "email" not in names and not wrong:
        problems.append((line, f'there is no column "email"; the header reads {",".join(names)[:200]}'))
    if problems:
        raise PeopleError(problems)
    return names


# --- a row -----------------------------------------------------------------------------------------------------------


def _take(
    line: int, cells: list[str], header: list[str], rows: dict[str, Row], problems: list[tuple[int, str]]
) -> None:
    if len(cells) != len(header):
        problems.append((line, f"has {len(cells)} cells, the header has {len(header)}"))
    values = {name: unsealed(cell.strip()) for name, cell in zip(header, cells, strict=False)}
    row = _row(line, values)
    problems += ((line, why) for why in _faults(row, values))
    if row.email in rows:
        problems.append((line, f"{row.email} is also on line {rows[row.email].line}"))
    elif row.email:
        rows[row.email] = row


def _row(line: int, values: dict[str, str]) -> Row:
    ours = {name: " ".join(values.get(name, "").split()) for name in columns()}
    extra = {name: cell for name, cell in values.items() if name and name not in ours and cell}
    for name in ("email", "manager_email", "employment", "locale"):
        ours[name] = ours[name].lower()
    if ours["manager_email"] == ours["email"]:
        ours["manager_email"] = ""  # nobody approves their own requests
    ours["employment"] = ours["employment"] or EMPLOYMENTS[0]
    ids = {name: ours.pop(name) for name in id_columns()}
    return Row(line, **ours, ids=ids, extra=extra)


def _faults(row: Row, values: dict[str, str]) -> Iterator[str]:
    if not row.email:
        yield "has no e-mail"
    elif not is_email(row.email):
        yield f"{row.email} is no e-mail address"
    for name in ("email", "manager_email", *identifiers()):
        yield from _odd_id(name, row.says(name) or "")
    if row.employment not in EMPLOYMENTS:
        close = guess(row.employment or "", EMPLOYMENTS)
        yield f"employment must be employee, contractor or intern, not {row.employment}.{close}"
    if row.locale not in ("", "en", "zh"):
        yield f"locale must be en or zh, not {row.locale}"
    if row.timezone and row.timezone not in zones():
        yield f"{row.timezone} is no time zone, such as Asia/Shanghai.{guess(row.timezone, zones())}"
    if values.get(""):
        yield f'"{values[""]}" is in a column without a name'


def _odd_id(column: str, value: str) -> Iterator[str]:
    """Damage that spreadsheets do to an id, and ids of a wrong shape."""
    traits = next((one for one in TRAITS.values() if one.id_column == column), None)
    if not value.isprintable():
        yield f"{column} holds a character that cannot be seen"
    elif value.startswith("="):
        yield f"{column} {value} is a formula; write the id as plain text"
    elif _EXPONENT.fullmatch(value):
        yield f"{column} {value} is a number that the spreadsheet has cut off; format the column as text and paste the ids again"
    elif value and traits and not re.fullmatch(traits.id_shape, value):
        yield f"{column} {value} is no id there{f', such as {traits.id_example}' if traits.id_example else ''}"
