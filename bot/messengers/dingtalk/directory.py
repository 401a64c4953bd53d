"""People from DingTalk: a full read (by command and every night), events as hints, managers resolved, nobody lost by accident.

Somebody leaves only when DingTalk says of that very person that they do not exist (60121). A read that fails changes
nothing; a read that shows less (a narrower contact scope) lets nobody go. Reading the directory is not metered.
https://open.dingtalk.com/document/orgapp/address-book-permissions
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session, col, select

from bot.database import Database
from bot.messengers.dingtalk.api import Department, DingTalkApi, User
from bot.messengers.dingtalk.errors import DingTalkError
from bot.people import sync
from bot.people.sync import Changes, Leaver, PeopleError, Row, TooManyLeave
from handlers.admins import tell_admins
from handlers.words import texts
from handlers.words.text import SafeText
from models.people.member import Address, Member

log = structlog.get_logger()

ROOT = 1
AT_ONCE = 10
NIGHT = (3, ZoneInfo("Asia/Shanghai"))
"""The hour from which the nightly read is due."""
LOOK = 300.0
"""Seconds between looks at the clock."""
NOBODY = "60121"
MARK = "directory"
"""The column that says who takes part in the nightly read: everybody whom a sync has written."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Snapshot:
    """What DingTalk says of people and departments, read to the end."""

    users: Mapping[str, User]
    departments: Mapping[int, Department]

    def manager_of(self, user: User) -> str:
        """直属主管; else who leads the primary department or one above it; never oneself, never somebody who is not here."""
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
        """The name of the primary department; None for who stands directly below the organisation."""
        number = next(iter(user.departments), ROOT)
        department = self.departments.get(number)
        return department.name if department and number != ROOT else None

    def _can_lead(self, one: str, user: User) -> bool:
        return one != user.id and one in self.users and self.users[one].active


@dataclass(frozen=True)
class Plan:
    """What taking the directory over does. `skipped`: who is not taken in, and why; `kept`: gone there, here elsewhere."""

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


class _Only(Exception):  # noqa: N818 - carries a plan out of a transaction that is rolled back
    def __init__(self, plan: Plan) -> None:
        self.plan = plan


class Directory:
    """Reads DingTalk's directory and takes it over. Raises `DingTalkError` where something could not be read."""

    def __init__(self, api: DingTalkApi, database: Database, clock: Callable[[], datetime]) -> None:
        self.api, self.database, self.clock = api, database, clock

    async def read(self, progress: Progress = lambda _: None) -> Snapshot:
        """Everybody and every department, or the error that kept us from it."""
        departments = await self._departments()
        ids = {one.id: None for number in departments for one in await self._members(number)}
        users: dict[str, User] = {}
        limit = asyncio.Semaphore(AT_ONCE)

        async def look(user: str) -> None:
            async with limit:
                if (found := await self._user(user)) is not None:
                    users[user] = found
                    progress(len(users))

        async with asyncio.TaskGroup() as group:
            for user in ids:
                group.create_task(look(user))
        return Snapshot({user: users[user] for user in ids if user in users}, departments)

    async def sync(
        self, *, dry: bool = False, yes: bool = False, progress: Progress = lambda _: None
    ) -> Plan:
        """Read everything and take it over; `dry` only says what that would do. Raises `TooManyLeave` without a `yes`."""
        try:
            snapshot = await self.read(progress)
        except* DingTalkError as group:
            raise _first(group) from group
        gone = await self._gone(snapshot)
        return await self._take(snapshot, gone, dry=dry, yes=yes)

    async def hint(self, kind: str, users: list[str]) -> None:
        """An event names people: look at them now, as far as a sync has taken the directory over before."""
        if not kind.startswith("user_") or not users or not await self.database.write(_is_kept):
            return
        for user in users:
            found = await self._user(user)
            if found is None:
                await self._take(Snapshot({}, {}), {user}, dry=False, yes=True)
            else:
                await self._take(await self._around(found), set(), dry=False, yes=True, only=user)

    async def run(self) -> None:
        """The nightly full read, until cancelled."""
        done = self._night()
        while True:
            await asyncio.sleep(LOOK)
            if self._night() > done:
                await self.nightly()
                done = self._night()

    async def nightly(self) -> Plan | None:
        """One full read, which lets at most a tenth of all people leave; what goes wrong is for the log and the admins."""
        try:
            if not await self.database.write(_is_kept):
                return None
            return await self.sync()
        except TooManyLeave as many:
            facts = {"number": SafeText(many.leaving)}
            work = partial(
                tell_admins,
                text=texts.LEAVING_HELD_BACK,
                now=self.clock(),
                about="dingtalk-leave",
                facts=facts,
            )
            await self.database.write(work)
        except (DingTalkError, PeopleError) as error:
            log.warning("the directory was not taken over", error=str(error))
        except Exception:
            log.exception("the nightly read failed")
        return None

    def _night(self) -> str:
        """The day whose nightly read is due by now."""
        hour, zone = NIGHT
        return f"{self.clock().astimezone(zone) - timedelta(hours=hour):%Y-%m-%d}"

    # Reading

    async def _departments(self) -> dict[int, Department]:
        found: dict[int, Department] = {}
        waiting = [ROOT]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found[number] = await self.api.department(number)
                waiting += [one.id for one in await self.api.departments(number)]
        return found

    async def _members(self, department: int) -> list[User]:
        found: list[User] = []
        cursor: int | None = 0
        while cursor is not None:
            page = await self.api.users(department, cursor)
            found += page.users
            cursor = page.next_cursor
        return found

    async def _user(self, user: str) -> User | None:
        """Somebody, or None when DingTalk says that there is nobody of this id."""
        try:
            return await self.api.user(user)
        except DingTalkError as error:
            if error.code == NOBODY:
                return None
            raise

    async def _around(self, user: User) -> Snapshot:
        """As much of the directory as it takes to know this one's team and manager."""
        departments: dict[int, Department] = {}
        number = (user.departments or (ROOT,))[0]
        while number and number not in departments:
            departments[number] = await self.api.department(number)
            number = departments[number].parent or 0
        names = {user.manager, *(one for each in departments.values() for one in each.managers)} - {
            "",
            user.id,
        }
        others = [await self._user(one) for one in sorted(names)]
        return Snapshot({one.id: one for one in [user, *others] if one is not None}, departments)

    async def _gone(self, snapshot: Snapshot) -> set[str]:
        """Whom we know, who was not in the read, and of whom DingTalk says that they do not exist."""
        known = await self.database.write(_known)
        missing = sorted(known - snapshot.users.keys())
        return {user for user in missing if await self._user(user) is None}

    # Taking over

    async def _take(
        self, snapshot: Snapshot, gone: set[str], *, dry: bool, yes: bool, only: str = ""
    ) -> Plan:
        def work(session: Session) -> Plan:
            plan = _plan(session, snapshot, gone, only)
            if dry:
                raise _Only(plan)
            sync.apply(session, plan.changes, self.clock(), actor="dingtalk directory", yes=yes)
            _note(session, snapshot, only)
            _mark_gone(session, gone, self.clock())
            return plan

        try:
            return await self.database.write(work)
        except _Only as planned:
            return planned.plan


def _plan(session: Session, snapshot: Snapshot, gone: Iterable[str], only: str) -> Plan:
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
    rows = _with_known_managers(rows, here)
    leave, kept = _leaving(session, gone)
    changes = replace(sync.compare(session, rows), leave=tuple(leave))
    return Plan(changes, tuple(skipped), tuple(kept))


def _row(line: int, user: User, email: str, team: str | None, manager: str, *, new: bool) -> Row:
    """What DingTalk says of somebody; what it leaves empty it does not know, so that what stands stays."""
    return Row(
        line=line, email=email, name=user.name or None, dingtalk_id=user.id, manager_email=manager or None,
        team=team, role=user.title or None, locale="zh" if new else None,
    )  # fmt: skip


def _with_known_managers(rows: list[Row], here: set[str]) -> list[Row]:
    named = here | {row.email for row in rows}
    return [row if row.manager_email in named else replace(row, manager_email=None) for row in rows]


def _emails(session: Session, users: Iterable[User]) -> dict[str, str]:
    """The e-mail by which each is known here: who has this DingTalk id, else what DingTalk says."""
    query = select(Address.address, Member.email).join(Member).where(Address.messenger == "dingtalk")
    known = {address.split(":", 1)[1]: email for address, email in session.exec(query).all()}
    return {user.id: known.get(user.id) or user.email.strip().lower() for user in users}


def _leaving(session: Session, gone: Iterable[str]) -> tuple[list[Leaver], list[str]]:
    leave, kept = [], []
    for user in sorted(gone):
        address = session.get(Address, f"dingtalk:{user}")
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


def _mark_gone(session: Session, gone: Iterable[str], now: datetime) -> None:
    for user in gone:
        address = session.get(Address, f"dingtalk:{user}")
        if address is not None:
            address.status, address.status_at = "gone", now
            session.add(address)


def _known(session: Session) -> set[str]:
    query = (
        select(Address.address)
        .join(Member)
        .where(
            Address.messenger == "dingtalk",
            col(Member.left_at).is_(None),
            col(Address.status).is_distinct_from("gone"),
        )
    )
    return {address.split(":", 1)[1] for address in session.exec(query).all()}


def _is_kept(session: Session) -> bool:
    """Whether a sync has taken the directory over: who keeps people in a file is not surprised at night."""
    marked = col(Member.extra)[MARK].as_string() == "dingtalk"
    return session.exec(select(Member.id).where(marked, col(Member.left_at).is_(None))).first() is not None


def _note(session: Session, snapshot: Snapshot, only: str) -> None:
    """Keep with each what a file would have in a column: the job number, and that the directory speaks for them."""
    query = select(Address.address, Member).join(Member).where(Address.messenger == "dingtalk")
    for address, member in session.exec(query).all():
        user = snapshot.users.get(address.split(":", 1)[1])
        if user is None or (only and user.id != only) or not member.active:
            continue
        noted = (
            dict(member.extra)
            | {MARK: "dingtalk"}
            | ({"job_number": user.job_number} if user.job_number else {})
        )
        if noted != member.extra:
            member.extra = noted
            session.add(member)
    session.flush()


def _first(group: BaseExceptionGroup[DingTalkError]) -> DingTalkError:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one
