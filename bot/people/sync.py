"""People: what a file or a messenger's directory says, compared with who is here, and taken over all at once.

Everything is set-wise, since a first import is a hundred thousand people. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from bot.people.csv import PeopleError, Row, read_people, shared_ids, write_people
from handlers.clock.leaving import show_leaving
from models.people.member import Address, Member
from models.policy.check import COLUMNS
from models.quota.allocation import welcome_all
from models.quota.leaving import leave
from models.quota.period import Period

__all__ = [
    "Changes",
    "Difference",
    "PeopleError",
    "Row",
    "TooManyLeave",
    "apply",
    "compare",
    "export_people",
    "read_people",
    "survey",
]

CHUNK = 5_000
MESSENGERS = {"slack_id": "slack", "dingtalk_id": "dingtalk"}
_SAID = ("slack_id", "dingtalk_id", "gateway_id", "manager_email", "locale", "timezone")
"""Columns that a member has elsewhere; `Member.extra` keeps what the file said, so that a policy can match them too."""

_JOINER = dict.fromkeys(COLUMNS, "") | {"employment": "employee"}

T = TypeVar("T")


class TooManyLeave(Exception):  # noqa: N818 - a question, not a failure
    """More than a tenth of all people would leave, and nobody said yes."""

    def __init__(self, leaving: int, active: int) -> None:
        self.leaving, self.active = leaving, active
        super().__init__(f"{leaving} of {active} people would leave, which is more than 10 %")


@dataclass(frozen=True)
class Difference:
    """Somebody to be written. A joiner has no `member_id` and no `fields`: all is new. Else column → (before, after)."""

    row: Row
    member_id: int | None
    fields: Mapping[str, tuple[str, str]]

    def becomes(self, column: str) -> str | None:
        """The new value of this column; None when it stays."""
        if self.member_id is None:
            return getattr(self.row, column) or None
        return self.fields[column][1] if column in self.fields else None


@dataclass(frozen=True)
class Leaver:
    member_id: int
    email: str
    name: str


@dataclass(frozen=True)
class Changes:
    """What taking the rows over would do. `active`: how many people are here now."""

    join: tuple[Difference, ...] = ()
    change: tuple[Difference, ...] = ()
    leave: tuple[Leaver, ...] = ()
    unchanged: int = 0
    active: int = 0
    here: _Here | None = field(default=None, repr=False, compare=False)

    @property
    def many_leave(self) -> bool:
        """Whether more than a tenth would leave, which needs a yes."""
        return len(self.leave) * 10 > self.active


def survey(session: Session, data: bytes, *, remove_missing: bool = False) -> Changes:
    """What importing this file would do, or raise `PeopleError` with all that is wrong: in the file, and with who is here."""
    try:
        rows, problems = read_people(data), []
    except PeopleError as error:
        rows, problems = list(error.rows), list(error.problems)
    here = _Here(session)
    problems += _misfits(rows, here, remove_missing)
    if problems:
        raise PeopleError(problems)
    return _changes(rows, here, remove_missing)


def compare(session: Session, rows: Sequence[Row], *, remove_missing: bool = False) -> Changes:
    """What taking these rows over would do; raises `PeopleError` where they do not fit together or to who is here."""
    here = _Here(session)
    problems = [*shared_ids(rows), *_misfits(rows, here, remove_missing)]
    if problems:
        raise PeopleError(problems)
    return _changes(rows, here, remove_missing)


def apply(
    session: Session, changes: Changes, now: datetime, *, actor: str = "admin", yes: bool = False
) -> None:
    """Take the changes over, in the transaction in which they were found; raises `TooManyLeave` and does nothing."""
    if changes.many_leave and not yes:
        raise TooManyLeave(len(changes.leave), changes.active)
    here = changes.here or _Here(session)
    ids = _write(session, changes, here, now)
    _link(session, (*changes.join, *changes.change), ids)
    _address(session, (*changes.join, *changes.change), ids, here)
    session.expire_all()
    if Period.latest(session) is not None:
        welcome_all(session, [ids[one.row.email] for one in changes.join], now)
    for member in _members(session, [one.member_id for one in changes.leave]):
        leave(session, member, now, actor)
        show_leaving(session, member, now)
    session.flush()


def export_people(session: Session) -> str:
    """Everybody who is here as people.csv; importing it changes nothing."""
    here = [known for known in _Here(session).by_email.values() if known.active]
    extra = dict.fromkeys(key for known in here for key in known.extra)
    return write_people((known.columns | known.extra for known in here), list(extra))


# --- who is here -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Known:
    """A member as people.csv would show them."""

    id: int
    active: bool
    columns: dict[str, str]
    extra: dict[str, str]
    said: dict[str, str]


class _Here:
    """Everybody in the database, those who left too, by e-mail."""

    def __init__(self, session: Session) -> None:
        query = select(
            Member.id, Member.email, Member.name, Member.gateway_id, Member.team, Member.role, Member.employment,
            Member.locale, Member.timezone, Member.extra, Member.left_at, Member.manager_id,
        ).order_by(col(Member.id))  # type: ignore[call-overload] # fmt: skip
        rows = session.execute(query).all()
        emails = {row.id: row.email for row in rows}
        self.by_email = {row.email: _known(row, emails.get(row.manager_id, "")) for row in rows}
        self.holders: dict[str, int] = {}
        by_id = {known.id: known for known in self.by_email.values()}
        columns = {messenger: column for column, messenger in MESSENGERS.items()}
        for address, messenger, member_id in session.execute(
            select(Address.address, Address.messenger, Address.member_id)
        ):
            self.holders[address] = member_id
            if messenger in columns:
                by_id[member_id].columns[columns[messenger]] = address.split(":", 1)[1]


def _known(row: Any, manager_email: str) -> _Known:
    columns = {
        "name": row.name,
        "email": row.email,
        "slack_id": "",
        "dingtalk_id": "",
        "gateway_id": row.gateway_id,
        "manager_email": manager_email,
        "team": row.team,
        "role": row.role,
        "employment": row.employment,
        "locale": row.locale or "",
        "timezone": row.timezone or "",
    }
    extra: dict[str, str] = {}
    said: dict[str, str] = {}
    for key, value in row.extra.items():
        (said if key in _SAID else extra)[key] = str(value)
    return _Known(row.id, row.left_at is None, columns, extra, said)


# --- what does not fit -----------------------------------------------------------------------------------------------


def _misfits(rows: Sequence[Row], here: _Here, remove_missing: bool) -> Iterator[tuple[int, str]]:
    """Managers whom nobody knows, and ids of people who keep theirs."""
    named = {row.email: row for row in rows}
    for row in rows:
        if row.manager_email and row.manager_email not in named and row.manager_email not in here.by_email:
            yield row.line, f"nobody has the manager_email {row.manager_email}, neither in the file nor here"
    for column in ("slack_id", "dingtalk_id", "gateway_id"):
        kept = {
            known.columns[column]: email
            for email, known in here.by_email.items()
            if known.active and _keeps(column, named.get(email), remove_missing)
        }
        for row in rows:
            wanted = getattr(row, column) or (
                row.email if column == "gateway_id" and row.email not in here.by_email else ""
            )
            if wanted and kept.get(wanted, row.email) != row.email:
                yield row.line, f"{column} {wanted} belongs to {kept[wanted]}"


def _keeps(column: str, row: Row | None, remove_missing: bool) -> bool:
    return not getattr(row, column) if row else not remove_missing


# --- what differs ----------------------------------------------------------------------------------------------------


def _changes(rows: Sequence[Row], here: _Here, remove_missing: bool) -> Changes:
    join, change = [], []
    for row in rows:
        known = here.by_email.get(row.email)
        difference = Difference(row, known.id, _fields(row, known)) if known else Difference(row, None, {})
        if known is None or not known.active:
            join.append(difference)
        elif difference.fields:
            change.append(difference)
    named = {row.email for row in rows}
    active = {email: known for email, known in here.by_email.items() if known.active}
    missing = [(email, known) for email, known in active.items() if remove_missing and email not in named]
    leave = tuple(Leaver(known.id, email, known.columns["name"]) for email, known in missing)
    return Changes(tuple(join), tuple(change), leave, len(rows) - len(join) - len(change), len(active), here)


def _fields(row: Row, known: _Known) -> dict[str, tuple[str, str]]:
    wanted, extra = _wanted(row, known)
    before, old = known.columns, known.extra
    fields = {name: (before[name], wanted[name]) for name in COLUMNS if before[name] != wanted[name]}
    if extra != old:
        pairs = {name: (old.get(name, ""), extra.get(name, "")) for name in (*old, *extra)}
        fields |= {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return fields


def _wanted(row: Row, known: _Known | None) -> tuple[dict[str, str], dict[str, str]]:
    """What somebody's columns become, ours and the others."""
    stands, says = known.columns if known else _JOINER, vars(row)
    wanted: dict[str, str] = {name: stands[name] if says[name] is None else says[name] for name in COLUMNS}
    for name in ("name", "gateway_id", "slack_id", "dingtalk_id"):
        wanted[name] = wanted[name] or stands[name]
    for name in ("locale", "timezone"):
        # Somebody may have said since which language they like: a file that says the same as before does not overrule them.
        repeats = known is not None and stands[name] != "" and known.said.get(name) == wanted[name]
        wanted[name] = stands[name] if repeats else wanted[name] or stands[name]
    wanted["name"] = wanted["name"] or row.email.split("@")[0]
    wanted["gateway_id"] = wanted["gateway_id"] or row.email
    return wanted, dict(row.extra) if row.extra is not None else (known.extra if known else {})


# --- taking it over --------------------------------------------------------------------------------------------------


def _write(session: Session, changes: Changes, here: _Here, now: datetime) -> dict[str, int]:
    """Write everybody but for managers and addresses, and return all ids by e-mail."""
    fresh = [one.row for one in changes.join if one.member_id is None]
    for chunk in _chunks(fresh):
        rows = [_stored(row, None) | {"joined_at": now, "left_at": None, "paused_at": None} for row in chunk]
        session.execute(insert(Member), rows)
    known = [one for one in (*changes.join, *changes.change) if one.member_id is not None]
    for some in _chunks(known):
        rows = [
            _stored(one.row, here.by_email[one.row.email]) | {"id": one.member_id, "left_at": None}
            for one in some
        ]
        session.execute(update(Member), rows)
    if fresh:
        return dict(session.exec(select(Member.email, Member.id)).all())
    return {email: one.id for email, one in here.by_email.items()}


def _stored(row: Row, known: _Known | None) -> dict[str, Any]:
    """A row of the table, but for the manager, who may not be there yet."""
    wanted, extra = _wanted(row, known)
    said = {name: getattr(row, name) or (known.said.get(name, "") if known else "") for name in _SAID}
    said |= {"gateway_id": wanted["gateway_id"], "manager_email": wanted["manager_email"]}
    plain = ("name", "email", "gateway_id", "team", "role", "employment")
    return {name: wanted[name] for name in plain} | {
        "locale": wanted["locale"] or None,
        "timezone": wanted["timezone"] or None,
        "extra": extra | {name: value for name, value in said.items() if value},
    }


def _link(session: Session, written: Iterable[Difference], ids: Mapping[str, int]) -> None:
    emails = ((one.row.email, one.becomes("manager_email")) for one in written)
    links = (
        (ids[email], ids[manager] if manager else None) for email, manager in emails if manager is not None
    )
    for chunk in _chunks(links):
        rows = [{"id": member_id, "manager_id": manager_id} for member_id, manager_id in chunk]
        session.execute(update(Member), rows)


def _address(session: Session, written: Iterable[Difference], ids: Mapping[str, int], here: _Here) -> None:
    """`Address.give` for everybody at once: what stood for them there, and with somebody else, is replaced."""
    old: set[str] = set()
    new = []
    for one in written:
        for column, messenger in MESSENGERS.items():
            if after := one.becomes(column):
                address = f"{messenger}:{after}"
                before = f"{messenger}:{one.fields[column][0]}" if one.fields else ""
                old.update(each for each in (before, address) if each in here.holders)
                new.append({"address": address, "messenger": messenger, "member_id": ids[one.row.email]})
    for gone in _chunks(sorted(old)):
        session.execute(delete(Address).where(col(Address.address).in_(gone)))
    for given in _chunks(new):
        session.execute(insert(Address), given)


def _members(session: Session, ids: Sequence[int]) -> Iterator[Member]:
    for chunk in _chunks(ids):
        yield from session.exec(
            select(Member).where(col(Member.id).in_(chunk)).order_by(col(Member.id))
        ).all()


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
