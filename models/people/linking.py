"""Hold the people of a messenger's workspace against our members: link, unknown, gone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from models.people.authority import record_link
from models.people.member import HERE, Address, Member
from models.people.profile import Profile

Found = tuple[str, Profile]
"""An address, and what the messenger says of whoever has it."""


@dataclass(frozen=True)
class Link:
    """A member and the id to link; `old` is the id that it replaces."""

    email: str
    address: str
    old: str | None = None


@dataclass(frozen=True)
class Learnt:
    """Facts of the messenger that we lacked."""

    email: str
    locale: str | None
    timezone: str | None


@dataclass
class Plan:
    """The changes of a sync, and the cases it leaves to people. Nobody leaves by it."""

    link: list[Link] = field(default_factory=list)
    learn: list[Learnt] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    unclear: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    linked: int = 0

    @property
    def empty(self) -> bool:
        return not self.link and not self.learn


def compare(session: Session, messenger: str, people: Sequence[Found]) -> Plan:
    # Only an exact e-mail links, and only one that a single person has.
    ours = {
        one.email.lower(): one for one in session.exec(select(Member).where(col(Member.left_at).is_(None)))
    }
    rows = session.exec(select(Address).where(Address.messenger == messenger)).all()
    plan, by_id = Plan(), {one.id: one for one in ours.values()}
    known = {row.address: by_id[row.member_id] for row in rows if row.member_id in by_id}
    there = {address: profile for address, profile in people if profile.status != "bot"}
    _look_at_known(plan, known, there)
    _look_at_new(plan, known, there, ours)
    placed = {one.email for one in known.values()} | {one.email for one in plan.link}
    plan.missing = sorted(one.email for one in ours.values() if one.email not in placed)
    return plan


def _look_at_known(plan: Plan, known: dict[str, Member], there: dict[str, Profile]) -> None:
    for address, member in known.items():
        profile = there.get(address)
        if profile is None or profile.status == "gone":
            plan.gone.append((member.email, address))
        else:
            plan.linked += 1
            _learn(plan, member, profile)


def _look_at_new(
    plan: Plan, known: dict[str, Member], there: dict[str, Profile], ours: dict[str, Member]
) -> None:
    new = {one: who for one, who in there.items() if one not in known and who.status == HERE}
    shared = Counter((who.email or "").lower() for who in new.values())
    standing = defaultdict(list)
    for address, member in known.items():
        standing[member.email.lower()].append(address)
    for address, profile in new.items():
        email = (profile.email or "").lower()
        mine = ours.get(email)
        # An id is replaced only when the messenger says that its owner is gone.
        old = next(iter(standing[email]), None)
        if mine is None:
            plan.unknown.append((profile.name, address))
        elif shared[email] > 1:
            plan.unclear.append((email, f"{address}: several people there have this e-mail"))
        elif old is not None and (mine.email, old) not in plan.gone:
            plan.unclear.append((email, f"{address}: is linked to {old}, who is still there"))
        else:
            plan.link.append(Link(mine.email, address, old))
            _learn(plan, mine, profile)


def _learn(plan: Plan, member: Member, profile: Profile) -> None:
    locale = profile.language if not member.locale else None
    zone = profile.zone if not member.timezone else None
    if locale or zone:
        plan.learn.append(Learnt(member.email, locale, zone))


def carry_out(session: Session, plan: Plan, people: Sequence[Found], now: datetime, actor: str) -> None:
    status = {address: profile.status for address, profile in people}
    ours = {one.email: one for one in session.exec(select(Member).where(col(Member.left_at).is_(None)))}
    for link in plan.link:
        given = Address.give(session, ours[link.email], link.address)
        given.status, given.status_at = status[link.address], now
        record_link(session, ours[link.email], link.address, link.old, at=now, actor=actor)
    for learnt in plan.learn:
        member = ours[learnt.email]
        member.locale, member.timezone = member.locale or learnt.locale, member.timezone or learnt.timezone
        session.add(member)
    session.flush()
