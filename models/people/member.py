"""Members and their addresses on messengers. Rules compare members, never handles."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, BigInteger, UniqueConstraint, func, or_
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import Loader, id_field, ref
from models.refusal import AmbiguousPerson, NotAColleague, UnknownPerson, UnknownSender
from models.statement import Statement, is_postgres, parts

HERE = "member"  # of the workspace; addresses with another status take no part in lending and approving


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
    paused_by_id: int | None = Field(default=None, sa_type=BigInteger)
    """The colleague who paused them; none where it was themselves, the policy or an operator."""
    pause_stands: bool | None = None
    """Only those above them lift the pause."""
    no_asks: bool = False
    """Nobody may ask them to lend."""

    @classmethod
    def at(cls, session: Session, address: str) -> Member:
        """Raises `UnknownSender` for an address without an active member."""
        return found_at(session, address)[0]

    @classmethod
    def by_email(cls, session: Session, email: str) -> Self | None:
        """Also a member who has left. Those who were found are remembered for the transaction."""
        wanted, known = email.strip().lower(), session.info.setdefault("by_email", {})
        found: Self | None = known.get(wanted)
        if found is None or found.email != wanted:
            found = session.exec(select(cls).where(cls.email == wanted)).one_or_none()
            known[wanted] = found
        return found

    @classmethod
    def named(cls, session: Session, text: str) -> Self:
        """The one active member with this e-mail, job number, gateway id, name or handle.

        `@bob` is the handle of bob@corp.example. Raises `UnknownPerson` or `AmbiguousPerson`.
        """
        wanted = text.strip().lstrip("@").lower()
        job = col(cls.extra)["job_number"].as_string()
        fields = (col(cls.email), job, col(cls.gateway_id), col(cls.name))
        handle = col(cls.email).startswith(f"{wanted}@", autoescape=True)
        spelt: tuple[Any, ...] = tuple(func.lower(one) == wanted for one in fields)
        if not wanted.isascii() and wanted.upper() != wanted:
            spelt = tuple(col(cls.id).in_(_folded_alike(session, one, wanted)) for one in fields)
        for means in (*spelt, handle):
            found = session.exec(select(cls).where(means, col(cls.left_at).is_(None)).limit(5)).all()
            if len(found) == 1:
                return found[0]
            if found:
                raise AmbiguousPerson(text, tuple(map(_who, found)))
        raise UnknownPerson(text)

    def choose_language(self, session: Session, locale: str) -> None:
        # A chosen language is never overwritten by a messenger's profile.
        self.locale = locale
        session.add(self)

    @property
    def word(self) -> str:
        """The name in a typed command: the e-mail where the name has several words."""
        return word_for(self.name, self.email)

    @property
    def active(self) -> bool:
        return self.left_at is None

    def zone(self, default: str) -> ZoneInfo:
        return ZoneInfo(self.timezone or default)

    def columns(self) -> dict[str, str]:
        """Every column of people.csv, for a policy to match."""
        own = {
            name: str(getattr(self, name) or "") for name in ("name", "email", "team", "role", "employment")
        }
        return {key: str(value) for key, value in self.extra.items()} | own


def word_for(name: str, email: str) -> str:
    return name if name.strip() and " " not in name.strip() else email


def _folded_alike(session: Session, column: Any, wanted: str) -> list[int]:
    # SQLite's `lower` knows ASCII only, so Python compares. The first letter, in each case and either form of
    # an accent, narrows 100,000 rows before.
    letters = {one[0] for form in ("NFC", "NFD") for one in _cases(unicodedata.normalize(form, wanted))}
    begins = or_(*(column.startswith(letter, autoescape=True) for letter in letters))
    rows = session.exec(select(Member.id, column).where(begins, col(Member.left_at).is_(None))).all()
    return [number for number, text in rows if _fold(str(text)) == _fold(wanted)][:5]


def _cases(text: str) -> tuple[str, str]:
    return text.lower(), text.upper()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _who(member: Member) -> str:
    # Enough to tell two members of one name apart.
    return " · ".join(filter(None, (member.name, member.team, member.email)))


class Address(SQLModel, table=True):
    """An address of a member on a messenger (`slack:U02`, `dingtalk:manager42`) and its last known status."""

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
        """Link `address` to `member`, in place of their address on that messenger."""
        messenger = address.split(":", 1)[0]
        for old in session.exec(select(cls).where(cls.member_id == member.id, cls.messenger == messenger)):
            if old.address != address:
                session.delete(old)
        session.flush()
        session.info.pop("met", None)
        return session.merge(cls(address=address, messenger=messenger, member_id=member.id))


MEMBER, ADDRESS = Loader(Member), Loader(Address)
BEHIND = "m.id IN (SELECT member_id FROM address WHERE address IN (:one, :other))"
"""SQL: the members `m` at two addresses."""
_BEHIND = Statement(
    f"SELECT {MEMBER.columns('m')}, {ADDRESS.columns('a')} FROM member m JOIN address a ON a.member_id = m.id WHERE {BEHIND}"
)
_OF = Statement(f"SELECT {ADDRESS.columns('a')} FROM address a WHERE a.member_id = :member")


@dataclass
class _Met:
    """Members that this transaction has read, by address, and all addresses of each. `members`: else a session forgets them."""

    at: dict[str, tuple[Member, Address]] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    addresses: dict[int, list[Address]] = field(default_factory=dict)


def _met(session: Session) -> _Met:
    met: _Met = session.info.setdefault("met", _Met())
    return met


def meet(session: Session, one: str, other: str | None = None) -> None:
    """Read the members at these addresses in one statement, and keep them for the transaction."""
    session.flush()
    remember(session, _BEHIND.all(session, one=one, other=other or one))


def remember(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    """Keep members and addresses, read as `MEMBER` and `ADDRESS`, for the transaction."""
    met, found = _met(session), defaultdict[int, list[Address]](list)
    for row in rows:
        member = MEMBER.load(session, row[: MEMBER.width])
        address = ADDRESS.load(session, row[MEMBER.width : MEMBER.width + ADDRESS.width])
        met.at[address.address] = member, address
        found[member.id].append(address)
    met.addresses |= found


def remember_one(session: Session, row: Sequence[Any], every: Iterable[Sequence[Any]]) -> Member:
    """Keep a member, read as `MEMBER`, with all addresses, read as `ADDRESS`, for the transaction."""
    member, met = MEMBER.load(session, row), _met(session)
    met.addresses[member.id] = [ADDRESS.load(session, one) for one in every]
    met.members[member.id] = member
    return member


def found_at(session: Session, address: str) -> tuple[Member, Address]:
    """Raises `UnknownSender` for an address without an active member."""
    met = _met(session)
    if address not in met.at:
        meet(session, address)
    found = met.at.get(address)
    if found is None or not found[0].active:
        raise UnknownSender(address)
    return found


def addresses(session: Session, member_id: int) -> list[Address]:
    """A member's addresses, the last seen first. Read once a transaction."""
    known = _met(session).addresses
    if member_id not in known:
        session.flush()
        known[member_id] = [ADDRESS.load(session, row) for row in _OF.all(session, member=member_id)]
    return sorted(known[member_id], key=_lately)


def read_addresses(session: Session, member_ids: Collection[int]) -> None:
    # One statement for many members; `addresses` then reads nothing.
    known = _met(session).addresses
    known |= {member_id: [] for member_id in member_ids}
    for row in session.exec(select(Address).where(col(Address.member_id).in_(member_ids))).all():
        known[row.member_id].append(row)


def _lately(row: Address) -> tuple[bool, float, str]:
    return row.seen_at is None, -(row.seen_at.timestamp() if row.seen_at else 0), row.address


def require_colleague(member: Member) -> Member:
    """Raises `NotAColleague` for a member who has left."""
    if not member.active:
        raise NotAColleague(member.name)
    return member


def count_colleagues(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Member).where(col(Member.left_at).is_(None))).one()


def ids_by_email(session: Session, emails: Iterable[str]) -> dict[str, int]:
    """With leavers: late usage is a fact."""
    found: dict[str, int] = {}
    for part in parts(emails):
        rows = session.exec(select(Member.email, Member.id).where(col(Member.email).in_(part))).all()
        found |= dict(rows)
    return found


def reachable(session: Session, member_id: int) -> bool:
    """Whether a member has an address that is not known to be a guest's, a bot's or an outsider's."""
    return any(one.status in (None, HERE) for one in addresses(session, member_id))


class OthersHold(Exception):  # noqa: N818 - a finding, not a fault
    """A request that shares this transaction concerns a member, and what it leaves behind is not written yet."""


@dataclass
class Holding:
    """Members concerned by `others` in this transaction that left something to be written, and those that this request holds."""

    others: set[int]
    mine: set[int] = field(default_factory=set)


def hold(session: Session, ids: Iterable[int]) -> None:
    """To be called with a lock, or before something is read of a sender: a transaction does not wait for itself.

    Raises `OthersHold`.
    """
    holding: Holding | None = session.info.get("holding")
    if holding is not None:
        if not holding.others.isdisjoint(ids):
            raise OthersHold
        holding.mine.update(ids)


def lock_members(session: Session, ids: Iterable[int]) -> set[int]:
    """Lock these members' quota for this transaction. Returns those who left while it waited."""
    # Always by id, so that two opposite loans cannot deadlock. On SQLite the single writer is the lock.
    if is_postgres(session):
        ids = set(ids)
        hold(session, ids)
        # An array as text: psycopg converts a list value by value.
        return set(_LOCK.all(session, ids=f"{{{','.join(map(str, sorted(ids)))}}}"))
    return set()


_LOCK = Statement(
    "WITH held AS (SELECT id, left_at FROM member WHERE id = ANY(CAST(:ids AS BIGINT[])) ORDER BY id FOR NO KEY UPDATE) "
    "SELECT id FROM held WHERE left_at IS NOT NULL",
    row=int,
)
