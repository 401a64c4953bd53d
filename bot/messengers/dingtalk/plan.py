"""Changes that a read of DingTalk's directory means for our people.

A person leaves only when DingTalk answers for that very id that it does not exist (60121).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from bot.messengers.dingtalk.api import Department, User
from bot.people import sync
from models.people.member import Address, Member
from models.people.roster import Changes, Leaver, Row

# The id of the department that is the organisation.
ROOT = 1


def address_of(user: str) -> str:
    return f"dingtalk:{user}"


@dataclass(frozen=True)
class Snapshot:
    """A complete read of people and departments."""

    users: Mapping[str, User]
    departments: Mapping[int, Department]

    def manager_of(self, user: User) -> str:
        """直属主管, else the nearest manager of the primary department or a department above it.

        Never the user themselves, never a person outside the snapshot.
        """
        if self._can_lead(user.manager, user):
            return user.manager
        number, seen = (user.departments or (ROOT,))[0], set[int]()
        while (department := self.departments.get(number)) is not None and number not in seen:
            seen.add(number)
            for one in department.managers:
                if self._can_lead(one, user):
                    return one
            number = department.parent or 0
        return ""

    def team_of(self, user: User) -> str | None:
        """The name of the primary department; None directly below the organisation."""
        number = next(iter(user.departments), ROOT)
        department = self.departments.get(number)
        return department.name if department and number != ROOT else None

    def _can_lead(self, one: str, user: User) -> bool:
        return one != user.id and one in self.users and self.users[one].active


@dataclass(frozen=True)
class Plan:
    """The effects of applying a directory read.

    `skipped`: people left out, with the reason. `kept`: gone in DingTalk, but known elsewhere.
    """

    changes: Changes = field(default_factory=Changes)
    skipped: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The plan for an operator, one line a person."""
        for one in self.changes.join:
            yield f"+ {one.row.email} {one.row.name or ''}".rstrip()
        for one in self.changes.change:
            shown = ", ".join(f"{name}: {a or '–'} → {b or '–'}" for name, (a, b) in one.fields.items())
            yield f"~ {one.row.email} {shown}"
        for gone in self.changes.leave:
            yield f"- {gone.email} {gone.name}"
        for email in self.kept:
            yield f"? {email} is no longer in DingTalk, but reachable elsewhere: stays; `people leave` lets them go"
        for name, why in self.skipped:
            yield f"! {name}: {why}"


def plan(session: Session, snapshot: Snapshot, gone: Iterable[str], only: str) -> Plan:
    """The effects of applying this snapshot; `only`: restrict it to this user.

    `gone`: user ids that no longer exist.
    """
    rows, skipped = rows_of(session, snapshot, only)
    leave, kept = _leaving(session, gone)
    changes = replace(sync.compare(session, rows), leave=tuple(leave))
    return Plan(changes, tuple(skipped), tuple(kept))


def rows_of(session: Session, snapshot: Snapshot, only: str = "") -> tuple[list[Row], list[tuple[str, str]]]:
    """Everybody of a snapshot as rows, and the people left out with the reason."""
    emails = _emails(session, snapshot.users.values())
    twice = {email for email, times in Counter(emails.values()).items() if email and times > 1}
    here = set(session.exec(select(Member.email).where(col(Member.left_at).is_(None))).all())
    rows, skipped = [], []
    for line, user in enumerate(snapshot.users.values(), 1):
        email = emails[user.id]
        if only and user.id != only:
            continue
        if not email or email in twice:
            skipped.append((user.name, "no e-mail" if not email else f"{email} is also somebody else's"))
        elif user.active or email in here:
            manager = emails.get(snapshot.manager_of(user), "")
            rows.append(_row(line, user, email, snapshot.team_of(user), manager, new=email not in here))
    return _with_known_managers(rows, here), skipped


def _row(line: int, user: User, email: str, team: str | None, manager: str, *, new: bool) -> Row:
    # An empty value in DingTalk means "not known there", so the stored value stays.
    return Row(
        line=line, email=email, name=user.name or None, ids={"dingtalk_id": user.id}, manager_email=manager or None,
        team=team, role=user.title or None, locale="zh" if new else None,
    )  # fmt: skip


def _with_known_managers(rows: list[Row], here: set[str]) -> list[Row]:
    named = here | {row.email for row in rows}
    return [row if row.manager_email in named else replace(row, manager_email=None) for row in rows]


def _emails(session: Session, users: Iterable[User]) -> dict[str, str]:
    # A known DingTalk id wins over the e-mail that DingTalk reports.
    query = select(Address.address, Member.email).join(Member).where(Address.messenger == "dingtalk")
    known = {address.split(":", 1)[1]: email for address, email in session.exec(query).all()}
    return {user.id: known.get(user.id) or user.email.strip().lower() for user in users}


def _leaving(session: Session, gone: Iterable[str]) -> tuple[list[Leaver], list[str]]:
    leave, kept = [], []
    for user in sorted(gone):
        address = session.get(Address, address_of(user))
        member = session.get_one(Member, address.member_id) if address else None
        if member is None or not member.active:
            continue
        elsewhere = session.exec(
            select(Address.address).where(Address.member_id == member.id, Address.messenger != "dingtalk")
        ).first()
        if elsewhere:
            kept.append(member.email)
        else:
            leave.append(Leaver(member.id, member.email, member.name))
    return leave, kept


def facts(snapshot: Snapshot, only: str) -> dict[str, dict[str, str]]:
    """The columns that DingTalk has beside ours, by address."""
    named = [user for user in snapshot.users.values() if not only or user.id == only]
    return {address_of(one.id): {"job_number": one.job_number} if one.job_number else {} for one in named}
