"""A messenger's profile of a person, and the parts of it that we keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from models.people.authority import record_link
from models.people.member import HERE, Address, Member, addresses

STATUS_KEPT = timedelta(hours=1)
"""How long a messenger's word about somebody may be believed; written again at half that age."""
SEEN_WITHIN = timedelta(hours=1)
"""How exactly we remember when somebody was last seen at an address."""
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Profile:
    """`status`: member, guest, bot, outsider or gone."""

    status: str
    name: str = ""
    email: str | None = None
    locale: str | None = None
    zone: str | None = None

    @property
    def language(self) -> str | None:
        return language_of(self.locale)


def language_of(locale: str | None) -> str | None:
    """Our language for a locale (`zh-CN`, `en_GB`); None when we do not speak it: nothing is chosen then."""
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else None


def learn(session: Session, address: str, profile: Profile, now: datetime, *, link_by_email: bool) -> bool:
    """Keep the status, and language and zone where none was chosen. True when the address was linked just now."""
    row = session.get(Address, address)
    linked = row is None and link_by_email
    if linked:
        row = link(session, address, profile, now)
    if row is None:
        return False
    # A status that is confirmed is written at half its age, not with every message.
    if row.status != profile.status or row.status_at is None or now - row.status_at > STATUS_KEPT / 2:
        row.status, row.status_at = profile.status, now
    member = session.get_one(Member, row.member_id)
    if member.locale is None:
        member.locale = profile.language
    if member.timezone is None:
        member.timezone = profile.zone
    return linked


def link(session: Session, address: str, profile: Profile, now: datetime) -> Address | None:
    """Link the address to the active member with this e-mail who has none on that messenger yet."""
    member = Member.by_email(session, profile.email or "")
    if profile.status != HERE or member is None or not member.active:
        return None
    messenger = address.split(":", 1)[0]
    taken = select(Address).where(Address.member_id == member.id, Address.messenger == messenger)
    if session.exec(taken).first() is not None:
        return None
    row = Address.give(session, member, address)
    record_link(session, member, address, None, at=now, actor=f"{messenger} e-mail")
    return row


def mark_seen(session: Session, address: Address, now: datetime) -> None:
    # Messages go to the address seen last, so a change of address is written at once.
    newest = addresses(session, address.member_id)[0] is address
    if not newest or address.seen_at is None or now - address.seen_at > SEEN_WITHIN:
        address.seen_at = now


def mark_home_opened(session: Session, address: str, now: datetime) -> None:
    row = session.get(Address, address)
    if row is not None:
        row.home_seen_at = now
