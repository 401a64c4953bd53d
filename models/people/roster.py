"""People as rows of people.csv: a source's rows, our members, and the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from models.people.member import Address, Member
from models.people.messenger import id_columns

EMPLOYMENTS = ("employee", "contractor", "intern")


def columns() -> tuple[str, ...]:
    ours = ("gateway_id", "manager_email", "team", "role", "employment", "locale", "timezone")
    return ("name", "email", *id_columns(), *ours)


def identifiers() -> tuple[str, ...]:
    """Columns in which two members never have the same value."""
    return (*id_columns(), "gateway_id")


@dataclass(frozen=True)
class Row:
    """A source's row about a person. Empty: the value is empty; None: the source cannot know, and the old value
    stays.

    `ids`: columns of messengers. `extra`: columns that are not ours, for policies to match.
    """

    line: int
    email: str
    name: str | None = None
    gateway_id: str | None = None
    manager_email: str | None = None
    team: str | None = None
    role: str | None = None
    employment: str | None = None
    locale: str | None = None
    timezone: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] | None = None

    def says(self, column: str) -> str | None:
        value: str | None = self.ids[column] if column in self.ids else getattr(self, column, None)
        return value


@dataclass(frozen=True)
class Difference:
    """A member to write. A joiner has no `member_id` and no `fields`; else column → (before, after)."""

    row: Row
    member_id: int | None
    fields: Mapping[str, tuple[str, str]]

    def becomes(self, column: str) -> str | None:
        """The new value of this column; None when it stays."""
        if self.member_id is None:
            return self.row.says(column) or None
        return self.fields[column][1] if column in self.fields else None


@dataclass(frozen=True)
class Leaver:
    member_id: int
    email: str
    name: str


@dataclass(frozen=True)
class Changes:
    """The result of taking rows over. `active`: members now."""

    join: tuple[Difference, ...] = ()
    change: tuple[Difference, ...] = ()
    leave: tuple[Leaver, ...] = ()
    unchanged: int = 0
    active: int = 0
    roster: Roster | None = field(default=None, repr=False, compare=False)

    @property
    def many_leave(self) -> bool:
        # More than a tenth looks like half a file, so an operator has to confirm.
        return len(self.leave) * 10 > self.active

    def moved(self, column: str) -> list[Difference]:
        """Members whose value there changes or goes; another spelling is the same value."""
        return [one for one in self.change if _is_other(*one.fields.get(column, ("", "")))]

    def moves_many(self, column: str) -> bool:
        # More than a tenth, and more than one member: an operator has to confirm.
        found = len(self.moved(column))
        return found > 1 and found * 10 > self.active

    @property
    def written(self) -> tuple[Difference, ...]:
        return (*self.join, *self.change)


def _is_other(before: str, after: str) -> bool:
    return bool(before) and before.strip().casefold() != after.strip().casefold()


@dataclass(slots=True)
class Known:
    """A member as people.csv shows them. `said`: the file's values for columns that are kept elsewhere."""

    id: int
    active: bool
    columns: dict[str, str]
    extra: dict[str, str]
    said: dict[str, str]


class Roster:
    """Every member in the database by e-mail, with leavers."""

    def __init__(self, session: Session) -> None:
        query = select(
            Member.id, Member.email, Member.name, Member.gateway_id, Member.team, Member.role, Member.employment,
            Member.locale, Member.timezone, Member.extra, Member.left_at, Member.manager_id,
        ).order_by(col(Member.id))  # type: ignore[call-overload] # fmt: skip
        rows = session.execute(query).all()
        emails = {row.id: row.email for row in rows}
        self.by_email = {row.email: _known(row, emails.get(row.manager_id, "")) for row in rows}
        self.holders: dict[str, int] = {}
        """Which member has which address."""
        self._add_addresses(session)

    def _add_addresses(self, session: Session) -> None:
        by_id = {known.id: known for known in self.by_email.values()}
        column_of = {messenger: column for column, messenger in id_columns().items()}
        query = select(Address.address, Address.messenger, Address.member_id)
        for address, messenger, member_id in session.execute(query):
            self.holders[address] = member_id
            if messenger in column_of:
                by_id[member_id].columns[column_of[messenger]] = address.split(":", 1)[1]

    def misfits(self, rows: Sequence[Row], *, remove_missing: bool) -> Iterator[tuple[int, str]]:
        """(line, why): managers that do not exist, and ids of members who keep theirs."""
        named = {row.email: row for row in rows}
        for row in rows:
            manager = row.manager_email
            if manager and manager not in named and manager not in self.by_email:
                yield row.line, f"nobody has the manager_email {manager}, neither in the file nor here"
        for column in identifiers():
            kept = {
                known.columns[column]: email
                for email, known in self.by_email.items()
                if known.active and _keeps(column, named.get(email), remove_missing)
            }
            for row in rows:
                wanted = row.says(column) or self._usual(column, row)
                if wanted and kept.get(wanted, row.email) != row.email:
                    yield row.line, f"{column} {wanted} belongs to {kept[wanted]}"

    def _usual(self, column: str, row: Row) -> str:
        # A joiner without a gateway id gets their e-mail as one.
        return row.email if column == "gateway_id" and row.email not in self.by_email else ""

    def changes(self, rows: Sequence[Row], *, remove_missing: bool) -> Changes:
        join, change = [], []
        for row in rows:
            known = self.by_email.get(row.email)
            difference = (
                Difference(row, known.id, _fields(row, known)) if known else Difference(row, None, {})
            )
            if known is None or not known.active:
                join.append(difference)
            elif difference.fields:
                change.append(difference)
        named = {row.email for row in rows}
        active = {email: known for email, known in self.by_email.items() if known.active}
        missing = [(email, known) for email, known in active.items() if remove_missing and email not in named]
        leave = tuple(Leaver(known.id, email, known.columns["name"]) for email, known in missing)
        unchanged = len(rows) - len(join) - len(change)
        return Changes(tuple(join), tuple(change), leave, unchanged, len(active), self)


def shared_ids(rows: Iterable[Row]) -> Iterator[tuple[int, str]]:
    """(line, why): ids that two of these rows have."""
    for column in identifiers():
        first: dict[str, Row] = {}
        for row in rows:
            value = row.says(column) or (row.email if column == "gateway_id" else "")
            other = first.setdefault(value, row)
            if value and other is not row:
                yield row.line, f"{column} {value} is also on line {other.line}, {other.email}"


def elsewhere() -> tuple[str, ...]:
    """Columns kept outside `Member.extra`, which keeps the file's values, so that a policy can match them too."""
    return (*identifiers(), "manager_email", "locale", "timezone")


def wanted(row: Row, known: Known | None) -> tuple[dict[str, str], dict[str, str]]:
    """The new values of our columns, and of the others."""
    names = columns()
    stands = known.columns if known else dict.fromkeys(names, "") | {"employment": EMPLOYMENTS[0]}
    said = {name: row.says(name) for name in names}
    becomes: dict[str, str] = {name: stands[name] if value is None else value for name, value in said.items()}
    for name in ("name", *identifiers()):
        becomes[name] = becomes[name] or stands[name]
    for name in ("locale", "timezone"):
        # Somebody may have chosen a language since: a file that says the same as before does not overrule them.
        repeats = known is not None and stands[name] != "" and known.said.get(name) == becomes[name]
        becomes[name] = stands[name] if repeats else becomes[name] or stands[name]
    becomes["name"] = becomes["name"] or row.email.split("@")[0]
    becomes["gateway_id"] = becomes["gateway_id"] or row.email
    return becomes, dict(row.extra) if row.extra is not None else (known.extra if known else {})


def _known(row: Any, manager_email: str) -> Known:
    own = ("name", "email", "gateway_id", "team", "role", "employment", "locale", "timezone")
    shown = {name: getattr(row, name) or "" for name in own} | {"manager_email": manager_email}
    extra: dict[str, str] = {}
    said: dict[str, str] = {}
    kept = elsewhere()
    for key, value in row.extra.items():
        (said if key in kept else extra)[key] = str(value)
    return Known(row.id, row.left_at is None, {name: shown.get(name, "") for name in columns()}, extra, said)


def _keeps(column: str, row: Row | None, remove_missing: bool) -> bool:
    return not row.says(column) if row else not remove_missing


def _fields(row: Row, known: Known) -> dict[str, tuple[str, str]]:
    becomes, extra = wanted(row, known)
    before, old = known.columns, known.extra
    fields = {name: (before[name], becomes[name]) for name in columns() if before[name] != becomes[name]}
    if extra != old:
        pairs = {name: (old.get(name, ""), extra.get(name, "")) for name in (*old, *extra)}
        fields |= {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return fields
