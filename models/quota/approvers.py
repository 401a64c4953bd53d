"""The approvers of a request: manager, manager's manager, team owner, fallback approvers; and their delegates.

Fails closed: a person who is not in the chain today cannot decide.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import ref
from models.people.member import ADDRESS, MEMBER, Member, reachable, remember_one
from models.policy.document import Policy
from models.refusal import UnknownCode
from models.statement import SqlFile, Statement, as_list


class Asked(SQLModel, table=True):
    """One member asked to decide a request: in their own right, or as the delegate of `for_id`."""

    request_id: int = Field(primary_key=True, foreign_key="request.id", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger, index=True)
    for_id: int = ref("member.id")
    why: str
    ceiling: int | None = Field(default=None, sa_type=BigInteger)
    asked_at: datetime
    reminded_at: datetime | None = None

    def mark_reminded(self, session: Session, now: datetime) -> None:
        self.reminded_at = now
        session.add(self)


@dataclass(frozen=True)
class Candidate:
    """A possible approver. `why`: `manager`, `above`, `owner` or `fallback`."""

    member: Member
    why: str
    ceiling: int | None
    delegates: tuple[Member, ...] = field(default=())

    def deciders(self, requester_id: int) -> Iterator[tuple[Member, str]]:
        """The candidate and their delegates with the reason why each is asked; never the requester."""
        yield self.member, self.why
        for delegate in self.delegates:
            if delegate.id not in (requester_id, self.member.id):
                yield delegate, "delegate"

    def may_grant_more_than(self, ceiling: int | None) -> bool:
        return ceiling is not None and (self.ceiling is None or self.ceiling > ceiling)


def chain(session: Session, policy: Policy, requester_id: int, now: datetime) -> list[Candidate]:
    """Every possible approver, in order, without the requester and members who cannot be reached.

    A member with several roles keeps the first place and the highest ceiling. Two people never decide each
    other's requests in one period through a delegation.
    """
    people = _read_named(session, policy, requester_id, now)
    # A place that holds None is taken: cycles end here, and nobody is named twice.
    found: dict[int, Candidate | None] = {requester_id: None}
    found |= {member_id: None for member_id, one in people.items() if one.decided_for}
    for one, why, ceiling in _named(session, policy, requester_id, people):
        member = one.member
        known = found.get(member.id)
        if member.id not in found:
            here = member.active and reachable(session, member.id)
            by = tuple(_free(session, (people[to] for to in one.delegates))) if here else ()
            found[member.id] = Candidate(member, why, ceiling, by) if here else None
        elif known is not None and known.ceiling is not None:
            highest = None if ceiling is None else max(ceiling, known.ceiling)
            found[member.id] = replace(known, ceiling=highest)
    return [one for one in found.values() if one is not None]


class _Named(NamedTuple):
    """`delegates`: ids of members. `decided_for`: of a request of theirs that the requester decided in this period, whether as a delegate."""

    member: Member
    delegates: list[int]
    decided_for: int | None


def _free(session: Session, people: Iterable[_Named]) -> Iterator[Member]:
    """Delegates who are here, and whose requests the requester did not decide."""
    for one in people:
        if one.decided_for is None and one.member.active and reachable(session, one.member.id):
            yield one.member


_CHAIN: Statement[Any] = Statement(
    SqlFile("models.quota", "sql/approvers.sql").text(
        "chain", who=MEMBER.columns("m"), address=ADDRESS.columns("d")
    )
)


def _read_named(session: Session, policy: Policy, requester_id: int, now: datetime) -> dict[int, _Named]:
    """Everybody who may be named in the chain, and their delegates, in one statement."""
    session.flush()
    requester = session.get_one(Member, requester_id)
    owners = [one.owner for one in policy.team_chain(requester.team) if one.owner]
    emails = json.dumps([_folded(one) for one in (*owners, *policy.requests.fallback_approvers)])
    found, width = dict[int, _Named](), MEMBER.width
    for row in _CHAIN.all(session, member=requester_id, emails=emails, now=now):
        member = remember_one(session, row[:width], as_list(row[width]))
        given = [to for _, to in sorted(as_list(row[width + 1]))]
        found[member.id] = _Named(member, given, row[width + 2])
    return found


def _folded(email: str) -> str:
    return email.strip().lower()


def ask_next(
    session: Session, policy: Policy, request_id: int, requester_id: int, amount: int, now: datetime
) -> Candidate | None:
    """Record that the next candidate and their delegates are asked. None when everybody was asked."""
    rows = {one.member_id: one for one in entries(session, request_id)}
    asked = {one.for_id for one in rows.values()}
    left = [one for one in chain(session, policy, requester_id, now) if one.member.id not in asked]
    # A candidate who may grant the whole amount comes before one who may not.
    enough = [one for one in left if one.ceiling is None or one.ceiling >= amount]
    found = next(iter(enough or left), None)
    if found is not None:
        _record(session, rows, request_id, requester_id, found, now)
    return found


def ask_all(session: Session, policy: Policy, request_id: int, requester_id: int, now: datetime) -> None:
    """Record that everybody in the chain is asked at the same time."""
    rows = {one.member_id: one for one in entries(session, request_id)}
    for candidate in chain(session, policy, requester_id, now):
        _record(session, rows, request_id, requester_id, candidate, now)


def ask_delegates(
    session: Session, policy: Policy, request_id: int, requester_id: int, now: datetime
) -> None:
    """Record that the delegates of approvers asked before are asked, too."""
    asked = {one.for_id for one in entries(session, request_id)}
    for candidate in chain(session, policy, requester_id, now):
        for decider, why in candidate.deciders(requester_id) if candidate.member.id in asked else ():
            if session.get(Asked, (request_id, decider.id)) is None:
                session.add(
                    Asked(
                        request_id=request_id, member_id=decider.id, for_id=candidate.member.id, why=why,
                        ceiling=candidate.ceiling, asked_at=now,
                    )
                )  # fmt: skip
    session.flush()


def may_revoke(
    session: Session,
    policy: Policy,
    requester_id: int,
    deciders: Collection[int],
    member_id: int,
    now: datetime,
) -> bool:
    """Whether `member_id` may revoke what `deciders` granted, by today's directory."""
    today = [
        {decider.id for decider, _ in candidate.deciders(requester_id)}
        for candidate in chain(session, policy, requester_id, now)
    ]
    # Without a decider who has authority today, the approver who would be asked first may revoke.
    left = set(deciders).intersection(*[set().union(*today)])
    return member_id in (left or (today[0] if today else ()))


def _record(
    session: Session,
    rows: dict[int, Asked],
    request_id: int,
    requester_id: int,
    found: Candidate,
    now: datetime,
) -> None:
    # A delegate asked earlier is asked in their own right when their turn comes: one row a member.
    for decider, why in found.deciders(requester_id):
        row = rows.get(decider.id)
        if row is None:
            row = rows[decider.id] = Asked(
                request_id=request_id, member_id=decider.id, for_id=found.member.id, why=why, asked_at=now
            )
        elif decider.id != found.member.id:
            continue
        row.for_id, row.why, row.ceiling, row.asked_at = found.member.id, why, found.ceiling, now
        session.add(row)
    session.flush()


def forget_asked(session: Session, request_id: int) -> None:
    for row in entries(session, request_id):
        session.delete(row)
    session.flush()


def entries(session: Session, request_id: int) -> list[Asked]:
    query = select(Asked).where(Asked.request_id == request_id)
    return list(session.exec(query.order_by(col(Asked.asked_at), col(Asked.member_id))).all())


def mark_reminded(session: Session, request_id: int, member_id: int, now: datetime) -> None:
    """Somebody who was asked heard that this request waits."""
    row = session.get(Asked, (request_id, member_id))
    if row is not None:
        row.mark_reminded(session, now)


def asked_members(session: Session, request_id: int) -> set[int]:
    return {one.member_id for one in entries(session, request_id)}


def eligible(
    session: Session,
    policy: Policy,
    request_id: int,
    requester_id: int,
    code: str,
    decider: Member,
    now: datetime,
    *,
    undecided: bool,
) -> Asked | None:
    """The entry by which `decider` may decide by today's directory; raises `UnknownCode`.

    None when the request is decided and `decider` may hear the outcome: asked once, or able to decide.
    """
    if decider.id == requester_id:
        raise UnknownCode(code)
    standing = Standing.of(session, policy, request_id, requester_id, now)
    best = standing.today.get(decider.id)
    if not undecided and (best or any(one.member_id == decider.id for one in standing.asked)):
        return None
    if best is None:
        raise UnknownCode(code)
    return best


def entry_today(
    session: Session, policy: Policy, request_id: int, requester_id: int, decider_id: int, now: datetime
) -> Asked | None:
    """As `entries_today`; None when `decider` was not asked or has no authority any more."""
    return entries_today(session, policy, request_id, requester_id, now).get(decider_id)


def entries_today(
    session: Session, policy: Policy, request_id: int, requester_id: int, now: datetime
) -> dict[int, Asked]:
    """Everybody who may decide by today's directory and policy, in the place with the highest ceiling."""
    return Standing.of(session, policy, request_id, requester_id, now).today


@dataclass(frozen=True)
class Standing:
    """A request's approvers at one moment. `asked`: those who were; `today`: as `entries_today`; `chain`: everybody."""

    asked: list[Asked]
    today: dict[int, Asked]
    chain: list[Candidate]

    @classmethod
    def of(
        cls, session: Session, policy: Policy, request_id: int, requester_id: int, now: datetime
    ) -> Standing:
        rows, every = entries(session, request_id), chain(session, policy, requester_id, now)
        asked = {one.for_id: one for one in rows}
        found: dict[int, Asked] = {}
        for candidate in every:
            entry = asked.get(candidate.member.id)
            for decider, why in candidate.deciders(requester_id) if entry else ():
                best = found.get(decider.id)
                if entry and (best is None or candidate.may_grant_more_than(best.ceiling)):
                    found[decider.id] = Asked(
                        request_id=request_id, member_id=decider.id, for_id=candidate.member.id, why=why,
                        ceiling=candidate.ceiling, asked_at=entry.asked_at,
                    )  # fmt: skip
        return cls(rows, found, every)

    def less_than(self, amount: int) -> int | None:
        """The most that anybody in the chain may grant, where nobody may grant so much."""
        ceilings = [amount if one.ceiling is None else one.ceiling for one in self.chain]
        most = max(ceilings, default=amount)
        return most if most < amount else None


def _named(
    session: Session, policy: Policy, requester_id: int, people: dict[int, _Named]
) -> Iterator[tuple[_Named, str, int | None]]:
    requester, by_email = (
        session.get_one(Member, requester_id),
        {one.member.email: one for one in people.values()},
    )
    if (manager := people.get(requester.manager_id or 0)) is not None:
        yield manager, "manager", policy.ceiling("manager")
        if (above := people.get(manager.member.manager_id or 0)) is not None:
            yield above, "above", policy.ceiling("manager")
    for team in policy.team_chain(requester.team):
        if team.owner and (owner := by_email.get(_folded(team.owner))) is not None:
            yield owner, "owner", policy.ceiling("owner")
    for email in policy.requests.fallback_approvers:
        if (fallback := by_email.get(_folded(email))) is not None:
            yield fallback, "fallback", None
