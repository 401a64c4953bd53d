"""What a policy gives to many people at once: only the columns that it matches are read, each combination is judged once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlmodel import Session, col, select

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
    """A policy's answers, remembered by what it matches."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        matched = {key for rule in policy.allocations for key in rule.match}
        self._own = tuple(sorted(matched & set(_OWN)))
        self._others = tuple(sorted(matched - set(_OWN)))
        self._known: dict[tuple[str, ...], Allocation] = {}

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
        extra = row[-1] if self._others else {}
        others = (str(extra.get(name, "")) for name in self._others)
        key = (*(value or "" for value in row[1 : 1 + len(self._own)]), *others)
        if key not in self._known:
            names = (*self._own, *self._others)
            self._known[key] = self.policy.base_for(dict(zip(names, key, strict=True)))
        return self._known[key]
