"""The record of authority: every change of who may decide, act or be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import id_field, ref
from models.people.member import Member
from models.people.messenger import id_columns
from models.people.roster import Changes, Difference
from models.words import sealed

CHUNK = 5_000


class What(StrEnum):
    """The subject of a change. A link has the name of its messenger, a rule of the policy its key."""

    JOINED = "joined"
    LEFT = "left"
    MANAGER = "manager"
    TEAM = "team"
    EMPLOYMENT = "employment"
    DELEGATION = "delegation"
    POLICY = "policy"
    PAUSE = "pause"
    FORGOTTEN = "forgotten"


class Authority(SQLModel, table=True):
    """One change. `was` and `becomes` name members by id; both can be erased. Nothing can be changed."""

    id: int = id_field()
    at: datetime
    actor: str
    what: str
    member_id: int | None = ref("member.id", nullable=True, index=True)
    was: str = ""
    becomes: str = ""
    salt: str = ""
    digest: str = Field(default="")


def member_ref(member_id: int | None) -> str:
    return f"member:{member_id}" if member_id else ""


def record_authority(
    session: Session, what: str, member_id: int | None, was: str, becomes: str, *, at: datetime, actor: str
) -> None:
    """Nothing is recorded when `was` equals `becomes`."""
    record_all(session, [(what, member_id, was, becomes)], at=at, actor=actor)


def record_all(
    session: Session, changes: Iterable[tuple[str, int | None, str, str]], *, at: datetime, actor: str
) -> None:
    """`changes`: (what, member id, before, after)."""
    session.flush()  # the change comes first: its transaction then has a number before its rows have one
    rows = [_row(*one, at, actor) for one in changes if one[2] != one[3]]
    for first in range(0, len(rows), CHUNK):
        session.execute(insert(Authority), rows[first : first + CHUNK])


def _row(
    what: str, member_id: int | None, was: str, becomes: str, at: datetime, actor: str
) -> dict[str, Any]:
    row = {
        "at": at,
        "actor": actor,
        "what": str(what),
        "member_id": member_id,
        "was": was,
        "becomes": becomes,
    }
    return row | sealed(was, becomes)


def record_link(
    session: Session, member: Member, address: str, old: str | None, *, at: datetime, actor: str
) -> None:
    """`address` replaces `old`."""
    messenger, number = address.split(":", 1)
    was = old.split(":", 1)[1] if old else ""
    record_authority(session, messenger, member.id, was, number, at=at, actor=actor)


def record_roster(
    session: Session, changes: Changes, ids: Mapping[str, int], *, at: datetime, actor: str
) -> None:
    # A joiner is one row, whatever came with them.
    joined = (_joined(one, ids) for one in changes.join)
    changed = (row for one in changes.change for row in _changed(one, ids))
    record_all(session, [*joined, *changed], at=at, actor=actor)


def _joined(one: Difference, ids: Mapping[str, int]) -> tuple[str, int, str, str]:
    manager = member_ref(ids.get(one.becomes("manager_email") or ""))
    said = {"team": one.becomes("team"), "manager": manager}
    said |= {messenger: one.becomes(column) for column, messenger in id_columns().items()}
    words = ", ".join(f"{name} {value}" for name, value in said.items() if value)
    return What.JOINED, ids[one.row.email], "away", f"here{', ' if words else ''}{words}"


def _changed(one: Difference, ids: Mapping[str, int]) -> Iterable[tuple[str, int, str, str]]:
    member_id = ids[one.row.email]
    if "manager_email" in one.fields:
        was, becomes = (member_ref(ids.get(email)) for email in one.fields["manager_email"])
        yield What.MANAGER, member_id, was, becomes
    for column, what in ({"team": What.TEAM, "employment": What.EMPLOYMENT} | id_columns()).items():
        if column in one.fields:
            yield str(what), member_id, *one.fields[column]


def erase_words(session: Session, member: Member) -> None:
    # Time, actor and kind of the change stay.
    rows = update(Authority).where(col(Authority.member_id) == member.id)
    session.execute(rows.values(was="", becomes="", salt=""))
