"""What a policy gives to many people at once: only the columns that it matches are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlmodel import Session, col, select

from models.base import is_postgres, stored_time
from models.member import Member
from models.policy import Allocation, Policy

_OWN = ("name", "email", "team", "role", "employment")
"""Columns that a member has; every other one stands in `Member.extra`."""


class Due(NamedTuple):
    """What somebody gets for a whole period, in stored units, and by which entry of `allocations`."""

    member_id: int
    amount: int
    rule: int


class Bases:
    """A policy's answers, from the columns that it matches alone."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        matched = {key for rule in policy.allocations for key in rule.match}
        self._own = tuple(sorted(matched & set(_OWN)))
        self._others = tuple(sorted(matched - set(_OWN)))

    def among(self, session: Session, *where: Any) -> Iterator[Due]:
        """What everybody who is here and meets `where` gets, by id."""
        columns = [col(Member.id), *(getattr(Member, name) for name in self._own)]
        if self._others:
            columns.append(col(Member.extra))
        query = select(*columns).where(col(Member.left_at).is_(None), *where).order_by(col(Member.id))
        for row in session.execute(query):
            found = self._of(row)
            yield Due(row[0], found.amount, found.rule)

    def _of(self, row: Row[Any]) -> Allocation:
        columns = {name: row[place] or "" for place, name in enumerate(self._own, 1)}
        if self._others:
            columns |= {name: str(row[-1].get(name, "")) for name in self._others}
        return self.policy.base_for(columns)


def note_allowances(session: Session, period_id: int, dues: Iterable[Due], since: datetime) -> list[int]:
    """Write down what policy gives each of them in this period, one statement for each amount; returns their ids."""
    found = sorted(dues, key=lambda due: (due.rule, due.amount))
    words = {"period": period_id, "since": stored_time(session, since)}
    for (rule, base), some in groupby(found, key=lambda due: (due.rule, due.amount)):
        ids = [due.member_id for due in some]
        session.connection().execute(
            text(among(session, _NOTE)), words | {"rule": rule, "base": base, "ids": id_list(session, ids)}
        )
    return [due.member_id for due in found]


# A list of ids is one parameter on both databases, however long it is.


def id_list(session: Session, ids: list[int]) -> Any:
    """`ids` as the parameter that `among` wants."""
    return ids if is_postgres(session) else str(ids)


def among(session: Session, query: str) -> str:
    """`query` with its word AMONG as the test whether an id is in the parameter `ids`."""
    one = (
        "= ANY(CAST(:ids AS BIGINT[]))" if is_postgres(session) else "IN (SELECT value FROM json_each(:ids))"
    )
    return query.replace("AMONG", one)


_NOTE = (
    "INSERT INTO allowance (member_id, period_id, base, posted, filled, used_before, since, rule) "
    "SELECT m.id, :period, :base, :base, 0, COALESCE(u.balance, 0), :since, :rule FROM member m "
    "LEFT JOIN account u ON u.member_id = m.id AND u.kind = 'used' WHERE m.id AMONG"
)
