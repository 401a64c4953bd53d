"""What a policy changes for each of its lines: how many people, and sums. The sums of `policy plan`, never a person."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, text
from sqlmodel import Session, col, select

from models.people.member import Member
from models.policy.document import Policy
from models.quota.allocation import Allowance
from models.quota.period import Period

# Columns of people.csv that `member` has itself; the others are in `extra`.
OWN = ("name", "email", "team", "role", "employment")


class LineChange(NamedTuple):
    """People whom entry `rule` of the new policy gives another amount, -1: no entry. `before`, `after`: of each."""

    rule: int
    before: int
    after: int
    people: int


def line_changes(session: Session, before: Policy, after: Policy) -> list[LineChange]:
    """The lines that change, in the order of the policy; those who gain most first within a line."""
    # 115,000 people have few different rows, so the database counts them.
    matched = {*before.matched, *after.matched}
    own = [name for name in OWN if name in matched]
    others = [cast(col(Member.extra), Text)] if matched - set(own) else []
    period = Period.latest(session)
    now = col(Allowance.period_id) == (period.id if period else 0)
    standing = (Allowance.base, Allowance.rule, col(Allowance.since) <= col(Period.starts_at))
    columns: Any = (*(getattr(Member, name) for name in own), *others, *standing, func.count())
    query = (
        select(*columns)
        .select_from(Member)
        .outerjoin(Allowance, (col(Allowance.member_id) == Member.id) & now)
        .outerjoin(Period, col(Period.id) == Allowance.period_id)
        .where(col(Member.left_at).is_(None))
        .group_by(*(text(str(place)) for place in range(1, len(columns))))
    )
    found: dict[tuple[int, int, int], int] = {}
    for *cells, base, rule, whole, people in session.exec(query).all():
        row = {name: str(cell or "") for name, cell in zip(own, cells, strict=False)}
        if others:
            row = {name: str(value) for name, value in json.loads(cells[-1] or "{}").items()} | row
        new = after.base_for(row)
        was = _standing(before, base, rule, whole=bool(whole))
        key = new.rule, before.base_for(row).amount if was is None else was, new.amount
        found[key] = found.get(key, 0) + people
    lines = [LineChange(*key, people) for key, people in found.items() if key[1] != key[2]]
    return sorted(lines, key=lambda one: (one.rule < 0, one.rule, one.before - one.after))


def _standing(before: Policy, base: int | None, rule: int, *, whole: bool) -> int | None:
    """The whole base in force: a joiner's is the amount of their rule, not the posted part."""
    if base is None or whole:
        return base
    if rule >= len(before.allocations):
        return None
    return before.allocations[rule].amount if rule >= 0 else 0
