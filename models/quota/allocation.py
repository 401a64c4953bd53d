"""Post what policy gives while a period is open: to joiners, and to everybody when the policy changes.

Every step works on a set of members (sql/allocation.sql).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from models.ledger.account import Account, AccountKind, account_of, organisation
from models.ledger.overdraft import LISTED, fill_overdrafts
from models.ledger.transfer import Cause, Kind, post_all, transfer
from models.people.member import Member, lock_members
from models.policy import versions
from models.policy.calendar import pro_rata
from models.policy.document import Policy
from models.quota.period import CHUNK, Period, PeriodState
from models.statement import SqlFile, Statement


def welcome_all(session: Session, member_ids: Sequence[int], now: datetime) -> int:
    """Give each joiner base × days left ÷ days of the open period, once. Returns the number of joiners.

    Joiners wait for the opening while a period closes. A member who left and comes back in the same period gets
    nothing here: see `leaving.come_back`.
    """
    period, current = Period.held(session), versions.current(session)
    if period is None or period.state != PeriodState.OPEN or current is None:
        return 0
    version, policy = current
    ids, cause = sorted(set(member_ids)), Cause(now, "policy", f"join:{period.id}", policy=version)
    session.flush()
    return sum(
        _welcome_some(session, ids[first : first + CHUNK], period, policy, cause)
        for first in range(0, len(ids), CHUNK)
    )


def _welcome_some(session: Session, ids: list[int], period: Period, policy: Policy, cause: Cause) -> int:
    known = select(Allowance.member_id).where(Allowance.period_id == period.id)
    here = dues(session, policy, col(Member.id).in_(ids), col(Member.id).not_in(known))
    joiners = [_part(one, policy, period, cause.at) for one in here]
    _give(session, joiners, period, cause)
    return len(joiners)


@dataclass(frozen=True)
class Touched:
    """A member whose amount in this period changed (stored units)."""

    member_id: int
    before: int
    after: int


def adjust(
    session: Session, now: datetime, version: int, policy: Policy, after: int
) -> tuple[int | None, list[Touched]]:
    """Post what a changed policy adds or cuts, for the next range of people after id `after`.

    Returns the id to go on with (None: all are done) and the members whose amount changed. A cut takes at most
    the allocation's balance. Posting the same policy again changes nothing.
    """
    period, people = Period.current(session), _following(session, after)
    if not people:
        return None, []
    lock_members(session, people)
    posted = _posted(session, period, people)
    changed = [
        one
        for one in _whole_or_part(session, period, policy, people, posted)
        if (one.base, one.rule) != (posted[one.member_id].posted, posted[one.member_id].rule)
    ]
    _give(session, changed, period, Cause(now, "policy", f"policy:{version}", policy=version))
    touched = [Touched(one.member_id, posted[one.member_id].posted, one.base) for one in changed]
    return people[-1], [one for one in touched if one.before != one.after]


def _following(session: Session, after: int) -> Sequence[int]:
    query = select(Member.id).where(col(Member.id) > after, col(Member.left_at).is_(None))
    return session.exec(query.order_by(col(Member.id)).limit(CHUNK)).all()


def _posted(session: Session, period: Period, people: Sequence[int]) -> dict[int, Any]:
    query = select(Allowance.member_id, Allowance.posted, Allowance.rule, Allowance.since).where(
        Allowance.period_id == period.id, col(Allowance.member_id).between(people[0], people[-1])
    )
    return {row.member_id: row for row in session.execute(query)}


def _whole_or_part(
    session: Session, period: Period, policy: Policy, people: Sequence[int], posted: dict[int, Any]
) -> Iterator[Due]:
    # Members without a posting are joiners whom `welcome_all` serves.
    for one in dues(session, policy, col(Member.id).between(people[0], people[-1])):
        if one.member_id in posted:
            since = posted[one.member_id].since
            yield _part(one, policy, period, since) if since > period.starts_at else one


def _part(one: Due, policy: Policy, period: Period, since: datetime) -> Due:
    return one._replace(base=pro_rata(one.base, period.span, policy.zone, since, policy.unit))


def _give(session: Session, changed: Sequence[Due], period: Period, cause: Cause) -> None:
    # `differences` compares with what was posted before, so a repeated run posts nothing.
    if not changed:
        return
    words = {"dues": json.dumps(list(changed))}
    _OPEN_ALLOCATIONS.changed(session, at=cause.at, **words)
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    post_all(session, SQL.text("differences"), cause, issued=issued, period=period.id, **words)
    ids = json.dumps([one.member_id for one in changed])
    fill_overdrafts(session, LISTED, cause, ids=ids)
    note_allowances(session, period.id, changed, cause.at)


_OWN = ("name", "email", "team", "role", "employment")
"""Columns of people.csv that are columns of Member; the others are in `Member.extra`."""


class Due(NamedTuple):
    """A member's amount for a period (stored units), and the entry of `allocations` that gave it (-1: none)."""

    member_id: int
    base: int
    rule: int


def dues(session: Session, policy: Policy, *where: Any) -> Iterator[Due]:
    """What a whole period gives to every active member that meets `where`, ordered by id."""
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
    """Keep what policy gives in this period; it counts as posted. An earlier `since` stays."""
    _NOTE.changed(session, period=period_id, since=since, dues=json.dumps(list(given)))


SQL = SqlFile("models.quota", "sql/allocation.sql")
_OPEN_ALLOCATIONS = Statement(SQL.text("open_allocations"))
_NOTE = Statement(SQL.text("note"))


class Allowance(SQLModel, table=True):
    """What policy gives one member in one period. `base`: the whole amount (pro rata for a joiner); `posted`:
    the posted part; `filled`: the part that filled an old overdraft; `used_before`: lifetime use till then;
    `fallback`: spend on the models of the policy's fallback, which the organisation paid.
    """

    __table_args__ = (CheckConstraint("base >= 0", name="base"),)

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    period_id: int = Field(primary_key=True, foreign_key="period.id", sa_type=BigInteger, index=True)
    base: int = Field(sa_type=BigInteger)
    posted: int = Field(default=0, sa_type=BigInteger)
    filled: int = Field(default=0, sa_type=BigInteger)
    used_before: int = Field(default=0, sa_type=BigInteger)
    since: datetime
    rule: int = 0
    fallback: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


def allowance_of(session: Session, member_id: int, period_id: int) -> Allowance | None:
    return session.get(Allowance, (member_id, period_id))


def base_of(session: Session, member_id: int, period_id: int) -> int:
    found = allowance_of(session, member_id, period_id)
    return found.base if found else 0


def take_allocation(session: Session, member_id: int, amount: int, issued: int, cause: Cause) -> int:
    """Take back up to `amount` of a member's allocation. Returns how much."""
    allocation = account_of(session, AccountKind.ALLOCATION, member_id, cause.at)
    held = session.exec(select(Account.balance).where(Account.id == allocation)).one()
    taken = min(held, amount)
    if taken > 0:
        transfer(session, Kind.CUT, taken, source=allocation, target=issued, cause=cause)
    return taken
