"""What a policy gives to people: asked of many at once, and only of the columns of people.csv that it matches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.base import is_postgres, stored_time
from models.member import Member
from models.policy import Policy

_OWN = ("name", "email", "team", "role", "employment")
"""Columns as the file has them; `Member.extra` keeps what is not ours, and the file's word where it may be changed elsewhere."""


class Due(NamedTuple):
    """What somebody gets for a period, in stored units, and by which entry of `allocations` (-1: none)."""

    member_id: int
    base: int
    rule: int


def dues(session: Session, policy: Policy, *where: Any) -> Iterator[Due]:
    """What a whole period gives everybody who is here and meets `where`, by id."""
    own = [name for name in policy.matched if name in _OWN]
    columns = [getattr(Member, name) for name in own]
    if len(own) < len(policy.matched):
        columns.append(col(Member.extra))
    places = [(name, own.index(name) + 1 if name in own else 0) for name in policy.matched]
    query = select(col(Member.id), *columns).where(col(Member.left_at).is_(None), *where)
    for row in session.execute(query.order_by(col(Member.id))):
        cells = [row[place] if place else str(row[-1].get(name, "")) for name, place in places]
        given = policy.given_to(tuple(cells))
        yield Due(row[0], given.amount, given.rule)


def note_allowances(session: Session, period_id: int, given: Iterable[Due], since: datetime) -> None:
    """Write down what policy gives each of them in this period, and that it is posted; `since` stays where something stood."""
    words = {"period": period_id, "since": stored_time(session, since)}
    session.connection().execute(text(of_dues(session, _NOTE)), words | listed(given))


# A list of dues is one parameter on both databases, however long it is.


def listed(given: Iterable[Due]) -> dict[str, str]:
    """`given` as the parameter of the table DUES."""
    return {"dues": json.dumps(list(given))}


def of_dues(session: Session, query: str) -> str:
    """`query` with its word DUES as the table (member_id, base, rule) of what `listed` gave it."""
    table = _DUES_PG if is_postgres(session) else _DUES_LITE
    return query.replace("DUES", table)


_DUES_PG = (
    "(SELECT CAST(value ->> 0 AS BIGINT) AS member_id, CAST(value ->> 1 AS BIGINT) AS base, CAST(value ->> 2 AS INTEGER) AS rule "
    "FROM jsonb_array_elements(CAST(:dues AS JSONB)))"
)
_DUES_LITE = (
    "(SELECT json_extract(value, '$[0]') AS member_id, json_extract(value, '$[1]') AS base, json_extract(value, '$[2]') AS rule "
    "FROM json_each(:dues))"
)
_NOTE = (
    "INSERT INTO allowance (member_id, period_id, base, posted, filled, used_before, since, rule) "
    "SELECT d.member_id, :period, d.base, d.base, 0, COALESCE(u.balance, 0), :since, d.rule FROM DUES d "
    "LEFT JOIN account u ON u.member_id = d.member_id AND u.kind = 'used' WHERE true ORDER BY d.member_id "
    "ON CONFLICT (member_id, period_id) DO UPDATE SET base = excluded.base, posted = excluded.posted, rule = excluded.rule"
)
