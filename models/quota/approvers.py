"""The approvers of a request: manager, manager's manager, team owner, fallback approvers; and their delegates.

Fails closed: a person who is not in the chain today cannot decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import ref
from models.people.member import Member, reachable
from models.policy.document import Policy
from models.quota.delegation import delegates
from models.refusal import UnknownCode


class Asked(SQLModel, table=True):
    """One person asked to decide a request: in their own right, or as the delegate of `for_id`."""

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
    """A possible approver: why (`manager`, `above`, `owner`, `fallback`), up to how much, and their delegates."""

    member: Member
    why: str
    ceiling: int | None
    delegates: tuple[Member, ...] = field(default=())

    def deciders(self, requester_id: int) -> Iterator[tuple[Member, str]]:
        """The candidate and their delegates, each with why they are asked; never the requester."""
        yield self.member, self.why
        for delegate in self.delegates:
            if delegate.id not in (requester_id, self.member.id):
                yield delegate, "delegate"

    def may_grant_more_than(self, ceiling: int | None) -> bool:
        return ceiling is not None and (self.ceiling is None or self.ceiling > ceiling)


def chain(session: Session, policy: Policy, requester_id: int, now: datetime) -> list[Candidate]:
    """Every possible approver, in order; without the requester, the unreachable and the inactive. Cycles are cut."""
    seen, found = {requester_id}, []
    for member, why, ceiling in _named(session, policy, requester_id):
        if member.id in seen:
            continue
        seen.add(member.id)
        if member.active and reachable(session, member.id):
            found.append(Candidate(member, why, ceiling, delegates(session, member.id, now)))
    return found


def ask_next(
    session: Session, policy: Policy, request_id: int, requester_id: int, amount: int, now: datetime
) -> Candidate | None:
    """Record that the next candidate and their delegates are asked; candidates who may grant `amount` come first.

    None when everybody in the chain was asked.
    """
    asked = {one.for_id for one in entries(session, request_id)}
    left = [one for one in chain(session, policy, requester_id, now) if one.member.id not in asked]
    enough = [one for one in left if one.ceiling is None or one.ceiling >= amount]
    found = next(iter(enough or left), None)
    if found is not None:
        _record(session, request_id, requester_id, found, now)
    return found


def _record(session: Session, request_id: int, requester_id: int, found: Candidate, now: datetime) -> None:
    """One row a person: a delegate asked earlier, whose own turn it is now, is asked in their own right."""
    for decider, why in found.deciders(requester_id):
        row = session.get(Asked, (request_id, decider.id))
        if row is None:
            row = Asked(
                request_id=request_id, member_id=decider.id, for_id=found.member.id, why=why, asked_at=now
            )
        elif decider.id != found.member.id:
            continue
        row.for_id, row.why, row.ceiling, row.asked_at = found.member.id, why, found.ceiling, now
        session.add(row)
        session.flush()


def forget_asked(session: Session, request_id: int) -> None:
    """An amended request asks everybody anew."""
    for row in entries(session, request_id):
        session.delete(row)
    session.flush()


def entries(session: Session, request_id: int) -> list[Asked]:
    """Everybody who was asked, the first one first."""
    query = select(Asked).where(Asked.request_id == request_id)
    return list(session.exec(query.order_by(col(Asked.asked_at), col(Asked.member_id))).all())


def asked_members(session: Session, request_id: int) -> set[int]:
    """The ids of everybody who was asked, in their own right or as a delegate."""
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

    None when the request is decided already and `decider` was asked once or could have decided: they may be told
    the outcome.
    """
    if decider.id == requester_id:
        raise UnknownCode(code)
    asked = entries(session, request_id)
    best = _best_entry(session, policy, requester_id, decider, now, {one.for_id: one for one in asked})
    if not undecided and (best or any(one.member_id == decider.id for one in asked)):
        return None
    if best is None:
        raise UnknownCode(code)
    return best


def _best_entry(
    session: Session,
    policy: Policy,
    requester_id: int,
    decider: Member,
    now: datetime,
    asked: dict[int, Asked],
) -> Asked | None:
    """`decider` in the place of the asked candidate who may grant the most."""
    best: Asked | None = None
    for candidate in chain(session, policy, requester_id, now):
        deciders = {member.id for member, _ in candidate.deciders(requester_id)}
        entry = asked.get(candidate.member.id)
        if entry is None or decider.id not in deciders:
            continue
        if best is None or candidate.may_grant_more_than(best.ceiling):
            best = Asked(
                request_id=entry.request_id, member_id=decider.id, for_id=candidate.member.id, why=candidate.why,
                ceiling=candidate.ceiling, asked_at=entry.asked_at,
            )  # fmt: skip
    return best


def _named(session: Session, policy: Policy, requester_id: int) -> Iterator[tuple[Member, str, int | None]]:
    requester = session.get_one(Member, requester_id)
    manager = session.get(Member, requester.manager_id) if requester.manager_id else None
    if manager is not None:
        yield manager, "manager", policy.ceiling("manager")
        above = session.get(Member, manager.manager_id) if manager.manager_id else None
        if above is not None:
            yield above, "above", policy.ceiling("manager")
    for team in policy.team_chain(requester.team):
        if team.owner and (owner := Member.by_email(session, team.owner)) is not None:
            yield owner, "owner", policy.ceiling("owner")
    for email in policy.requests.fallback_approvers:
        if (fallback := Member.by_email(session, email)) is not None:
            yield fallback, "fallback", None
