"""The brake: members stop their own spending; their managers, the owners of their team and admins also stop others'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlmodel import Session

from models.ledger.amount import Unit
from models.metering.accounts import accounts_of
from models.metering.alarm import Alarm
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.people.authority import What, member_ref, record_authority
from models.people.member import Member
from models.policy.document import Policy


def pause(
    session: Session,
    member: Member,
    now: datetime,
    *,
    actor: str,
    stands: bool = False,
    by: Member | None = None,
    reason: str = "",
) -> None:
    """Until `resume`, the limit is what was spent.

    `stands`: the member cannot lift it. `by`: the colleague who paused; None for an operator, the policy or the member.
    """
    was = _state(member)
    member.paused_at = member.paused_at or now
    member.pause_stands, member.paused_by_id = stands, by.id if by else None
    _changed(session, member, was, now, actor, reason)


def resume(session: Session, member: Member, now: datetime, *, actor: str) -> bool:
    """Whether there was a pause; without one, the limits are only compared again."""
    was, paused = _state(member), member.paused_at is not None
    member.paused_at = member.pause_stands = member.paused_by_id = None
    _changed(session, member, was, now, actor)
    return paused


def _changed(session: Session, member: Member, was: str, now: datetime, actor: str, reason: str = "") -> None:
    session.add(member)
    becomes = _state(member) + (f": {reason}" if reason else "")
    record_authority(session, What.PAUSE, member.id, was, becomes, at=now, actor=actor)
    Alarm.answer(session, member.id, now)
    GatewayAccount.mark_due(session, member.id)


def _state(member: Member) -> str:
    if member.paused_at is None:
        return "goes on"
    return " by ".join(filter(None, ("paused", member_ref(member.paused_by_id))))


def can_stop(session: Session, member: Member, unit: Unit) -> bool:
    """Whether a pause reaches every account of the member, where a gateway is enforced.

    A limit that somebody edited by hand is not overwritten, so it would not follow.
    """
    accounts = accounts_of(session, member.id)
    enforced = GatewayState.enforces(session, {one.gateway for one in accounts}) and unit is not Unit.TOKENS
    return bool(accounts) and enforced and not any(one.edited for one in accounts)


def above(session: Session, policy: Policy, member: Member) -> list[Member]:
    """Who may pause the member, each once: the managers upwards, the owners of the team, the admins."""
    found = dict.fromkeys([member.id])
    found |= {one.id: None for one in _named(session, policy, member) if one.active}
    return [session.get_one(Member, one) for one in found if one != member.id]


def _named(session: Session, policy: Policy, member: Member) -> Iterator[Member]:
    yield from managers(session, member)
    yield from owners(session, policy, member)
    yield from _by_email(session, policy.admins)


def _by_email(session: Session, emails: Iterable[str]) -> list[Member]:
    return [one for email in emails if (one := Member.by_email(session, email)) is not None]


def owners(session: Session, policy: Policy, member: Member) -> list[Member]:
    """The owner of the member's team, and of the teams above it."""
    chain = policy.team_chain(member.team)
    return _by_email(session, [team.owner for team in chain if team.owner])


def managers(session: Session, member: Member) -> list[Member]:
    """The manager, theirs, and so on; a circle ends."""
    found: dict[int, Member] = {}
    one = member
    while one.manager_id is not None and one.manager_id not in (*found, member.id):
        one = session.get_one(Member, one.manager_id)
        found[one.id] = one
    return list(found.values())
