"""Who decides: manager, manager's manager, team owner, fallback approvers; and their delegates. Fails closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel, select

from models.db import ref
from models.people.member import Member, reachable
from models.policy.document import Policy
from models.quota.delegation import delegates
from models.refusal import UnknownCode


class Asked(SQLModel, table=True):
    """Somebody was asked to decide: for themselves, or (`for_id`) for whom they stand in."""

    request_id: int = Field(primary_key=True, foreign_key="request.id", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger, index=True)
    for_id: int = ref("member.id")
    why: str
    ceiling: int | None = Field(default=None, sa_type=BigInteger)
    asked_at: datetime
    reminded_at: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """Somebody in the chain: why (`manager`, `above`, `owner`, `fallback`), up to how much, and who stands in."""

    member: Member
    why: str
    ceiling: int | None
    delegates: tuple[Member, ...] = field(default=())

    def faces(self, requester_id: int) -> Iterator[tuple[Member, str]]:
        yield self.member, self.why
        for delegate in self.delegates:
            if delegate.id not in (requester_id, self.member.id):
                yield delegate, "delegate"


def chain(session: Session, policy: Policy, requester_id: int, now: datetime) -> list[Candidate]:
    """Everybody who may be asked, in order. Skipped: the requester, the unreachable, the inactive; cycles are cut."""
    seen, found = {requester_id}, []
    for member, why, ceiling in _named(session, policy, requester_id):
        if member.id in seen:
            continue
        seen.add(member.id)
        if member.active and reachable(session, member.id):
            found.append(Candidate(member, why, ceiling, delegates(session, member.id, now)))
    return found


def has_asked(session: Session, request_id: int) -> set[int]:
    return set(session.exec(select(Asked.for_id).where(Asked.request_id == request_id)).all())


def faces_asked(session: Session, request_id: int) -> set[int]:
    """Everybody who was asked, for themselves or as a stand-in."""
    return set(session.exec(select(Asked.member_id).where(Asked.request_id == request_id)).all())


def eligible(
    session: Session,
    policy: Policy,
    request_id: int,
    requester_id: int,
    code: str,
    clicker: Member,
    now: datetime,
    *,
    open_: bool,
) -> Asked | None:
    """The asking that entitles `clicker`, by today's directory; raises `UnknownCode`.

    For a request that is decided already, whoever was asked once or could have decided gets None: they may be told what
    became of it.
    """
    if clicker.id == requester_id:
        raise UnknownCode(code)
    asked = session.exec(select(Asked).where(Asked.request_id == request_id)).all()
    best = _best_face(session, policy, requester_id, clicker, now, {one.for_id: one for one in asked})
    if not open_ and (best or any(one.member_id == clicker.id for one in asked)):
        return None
    if best is None:
        raise UnknownCode(code)
    return best


def _best_face(
    session: Session,
    policy: Policy,
    requester_id: int,
    clicker: Member,
    now: datetime,
    asked: dict[int, Asked],
) -> Asked | None:
    """For whom of those asked so far `clicker` may decide: where it is for several, for whom may grant the most."""
    best: Asked | None = None
    for candidate in chain(session, policy, requester_id, now):
        faces = {who.id for who, _ in candidate.faces(requester_id)}
        if candidate.member.id in asked and clicker.id in faces:
            one = asked[candidate.member.id]
            face = Asked(
                request_id=one.request_id, member_id=clicker.id, for_id=candidate.member.id, why=candidate.why,
                ceiling=candidate.ceiling, asked_at=one.asked_at,
            )  # fmt: skip
            if best is None or (
                best.ceiling is not None and (face.ceiling is None or face.ceiling > best.ceiling)
            ):
                best = face
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
