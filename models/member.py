"""Who somebody is, on whichever messenger: everything compares members, never handles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, UniqueConstraint, bindparam, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from models.base import id_field, ref
from models.refusal import AmbiguousPerson, NotAColleague, UnknownPerson, UnknownSender

HERE = "member"  # of the workspace; every other status takes no part in lending and approving


class Member(SQLModel, table=True):
    """A human. Slack and DingTalk ids are addresses of the same member."""

    id: int = id_field()
    name: str
    email: str = Field(unique=True)
    gateway_id: str = Field(index=True)
    manager_id: int | None = ref("member.id", nullable=True, index=True)
    team: str = ""
    role: str = ""
    employment: str = "employee"
    locale: str | None = None
    timezone: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    joined_at: datetime
    left_at: datetime | None = None
    paused_at: datetime | None = None

    @classmethod
    def at(cls, session: Session, address: str) -> Member:
        """The human behind `slack:U02`, or raise `UnknownSender`."""
        return found_at(session, address)[0]

    @classmethod
    def named(cls, session: Session, text: str) -> Self:
        """The one active colleague with this e-mail, job number, name or handle, or raise `UnknownPerson`/`AmbiguousPerson`.

        A handle is what people type where no mention becomes of it: `@bob`, who is bob@corp.example.
        """
        wanted = text.strip().lstrip("@").lower()
        job = col(cls.extra)["job_number"].as_string()
        fields = (col(cls.email), job, col(cls.gateway_id), col(cls.name))
        handle = col(cls.email).startswith(f"{wanted}@", autoescape=True)
        for means in (*(func.lower(field) == wanted for field in fields), handle):
            found = session.exec(select(cls).where(means, col(cls.left_at).is_(None)).limit(5)).all()
            if len(found) == 1:
                return found[0]
            if found:
                raise AmbiguousPerson(text, tuple(map(_who, found)))
        raise UnknownPerson(text)

    @property
    def word(self) -> str:
        """What names them in a typed command: their name, or the e-mail where that is several words."""
        return self.name if self.name.strip() and " " not in self.name.strip() else self.email

    @property
    def active(self) -> bool:
        return self.left_at is None

    def zone(self, default: str) -> ZoneInfo:
        return ZoneInfo(self.timezone or default)

    def columns(self) -> dict[str, str]:
        """What a policy can match: every column of people.csv, also those unknown to us."""
        own = {
            name: str(getattr(self, name) or "") for name in ("name", "email", "team", "role", "employment")
        }
        return {key: str(value) for key, value in self.extra.items()} | own


def _who(member: Member) -> str:
    """Name, team and e-mail: enough to tell two of one name apart, and to name the one that is meant."""
    return " · ".join(filter(None, (member.name, member.team, member.email)))


class Address(SQLModel, table=True):
    """A member on a messenger: `slack:U02`, `dingtalk:manager42`; and what the messenger last said of them."""

    __table_args__ = (UniqueConstraint("member_id", "messenger"),)

    address: str = Field(primary_key=True)
    messenger: str
    member_id: int = ref("member.id", index=True)
    status: str | None = None
    status_at: datetime | None = None
    seen_at: datetime | None = None
    home_seen_at: datetime | None = None

    @classmethod
    def give(cls, session: Session, member: Member, address: str) -> Self:
        """Link `address` to `member`; whatever stood for them on that messenger is replaced."""
        messenger = address.split(":", 1)[0]
        for old in session.exec(select(cls).where(cls.member_id == member.id, cls.messenger == messenger)):
            if old.address != address:
                session.delete(old)
        session.flush()
        session.info.pop("addresses", None)
        return session.merge(cls(address=address, messenger=messenger, member_id=member.id))


_OTHER = aliased(Address)
_ELSEWHERE = exists().where(
    col(_OTHER.member_id) == col(Address.member_id), col(_OTHER.seen_at) > col(Address.seen_at)
)
_AT = select(Member, Address, _ELSEWHERE).join(Address).where(col(Address.address) == bindparam("address"))


def found_at(session: Session, address: str) -> tuple[Member, Address, bool]:
    """The human behind `slack:U02` with this address, and whether they were elsewhere since; or raise `UnknownSender`."""
    found = session.exec(_AT, params={"address": address}).one_or_none()
    if found is None or found[0].left_at is not None:
        raise UnknownSender(address)
    return found[0], found[1], bool(found[2])


def addresses(session: Session, member_id: int) -> list[Address]:
    """Where a member can be reached, the place they were last seen in first. Read once a transaction."""
    known: dict[int, list[Address]] = session.info.setdefault("addresses", {})
    if member_id not in known:
        rows = session.exec(select(Address).where(Address.member_id == member_id)).all()
        known[member_id] = sorted(rows, key=_lately)
    return known[member_id]


def read_addresses(session: Session, member_ids: Collection[int]) -> None:
    """Read them for many at once; `addresses` then knows them."""
    known: dict[int, list[Address]] = session.info.setdefault("addresses", {})
    known |= {member_id: [] for member_id in member_ids}
    for row in session.exec(select(Address).where(col(Address.member_id).in_(member_ids))).all():
        known[row.member_id].append(row)
    for member_id in member_ids:
        known[member_id].sort(key=_lately)


def _lately(row: Address) -> tuple[bool, float, str]:
    return row.seen_at is None, -(row.seen_at.timestamp() if row.seen_at else 0), row.address


def require_colleague(member: Member) -> Member:
    """`member`, or raise `NotAColleague` for somebody who has left."""
    if not member.active:
        raise NotAColleague(member.name)
    return member
