"""DingTalk's people: profiles, a full read (by command and every night), and events that name changed people.

A failed read changes nothing. A read that shows fewer people (a narrower contact scope) makes nobody leave.
Directory calls are not metered.
https://open.dingtalk.com/document/orgapp/address-book-permissions
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from sqlmodel import Session

from bot.database import Database
from bot.messengers.dingtalk.api import Department, DingTalkApi, User
from bot.messengers.dingtalk.errors import DingTalkError
from bot.messengers.dingtalk.memory import remember
from bot.messengers.dingtalk.plan import ROOT, Plan, Snapshot, address_of, facts, plan
from bot.people import sync
from bot.people.csv import PeopleError
from bot.people.sync import TooManyLeave
from handlers.admins import tell_admins
from handlers.words import texts
from handlers.words.text import SafeText
from models.people.directory import addresses_known, is_taken_over, mark_gone, note
from models.people.profile import Profile

log = structlog.get_logger()

AT_ONCE = 10
# The nightly read is due from this hour on.
NIGHT = (3, ZoneInfo("Asia/Shanghai"))
# Seconds between looks at the clock.
LOOK = 300.0
NOBODY = "60121"
# Seconds for which a profile is believed.
PROFILE_KEPT = 60 * 60

Progress = Callable[[int], None]

# The actor of changes that a directory read makes.
ACTOR = "dingtalk directory"


def _is_taken_over(session: Session) -> bool:
    return is_taken_over(session, "dingtalk")


def _profile(user: User) -> Profile:
    status = "member" if user.active else "gone"
    return Profile(status, user.name, user.email.lower() or None, "zh-CN")


class _Only(Exception):  # noqa: N818 - carries a plan out of a transaction that is rolled back
    def __init__(self, plan: Plan) -> None:
        self.plan = plan


class Directory:
    """Reads DingTalk's directory and applies it. Raises `DingTalkError` where something could not be read."""

    def __init__(self, api: DingTalkApi, database: Database, clock: Callable[[], datetime]) -> None:
        self.api, self.database, self.clock = api, database, clock
        self._profiles: dict[str, tuple[float, Profile]] = {}

    async def profile(self, user: str) -> Profile | None:
        """DingTalk's record of a user, at most an hour old; None when DingTalk cannot be read."""
        now, kept = time.monotonic(), self._profiles.get(user)
        if kept is not None and now - kept[0] < PROFILE_KEPT:
            return kept[1]
        try:
            found = await self._user(user)
        except DingTalkError as error:
            log.warning("a profile could not be read", code=error.code, request=error.request_id)
            return None
        profile = _profile(found) if found else Profile("gone")
        remember(self._profiles, user, (now, profile))
        return profile

    def forget(self, user: str) -> None:
        self._profiles.pop(user, None)

    async def people(self) -> list[tuple[str, Profile]]:
        return [(address_of(one.id), _profile(one)) for one in (await self.read()).users.values()]

    async def read(self, progress: Progress = lambda _: None) -> Snapshot:
        """Everybody and every department, or the error that prevented a complete read."""
        departments = await self._departments()
        # A list's rows carry no manager, so every person is read once more, alone.
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
        self, *, dry: bool = False, yes: bool = False, progress: Progress = lambda _: None, actor: str = ACTOR
    ) -> Plan:
        """Read everything and apply it; `dry` only returns the plan. Raises `TooManyLeave` without a `yes`."""
        snapshot = await self.snapshot(progress)
        gone = await self._gone(snapshot)
        return await self._take(snapshot, gone, dry=dry, yes=yes, actor=actor)

    async def snapshot(self, progress: Progress = lambda _: None) -> Snapshot:
        """The same as `read`; of several errors it raises the first alone."""
        try:
            return await self.read(progress)
        except* DingTalkError as group:
            raise _first(group) from group

    async def hint(self, kind: str, users: list[str]) -> None:
        """Apply an event to the people that it names, if a sync has taken the directory over before."""
        if not kind.startswith("user_") or not users or not await self.database.read(_is_taken_over):
            return
        for user in users:
            found = await self._user(user)
            if found is None:
                await self._take(Snapshot({}, {}), {user}, dry=False, yes=True)
            else:
                await self._take(await self._around(found), set(), dry=False, yes=True, only=user)

    async def run(self) -> None:
        done = self._night()
        while True:
            await asyncio.sleep(LOOK)
            if self._night() > done:
                await self.nightly()
                done = self._night()

    async def nightly(self) -> Plan | None:
        """One full read, in which at most a tenth of all people may leave. Failures go to the log and the admins."""
        try:
            if not await self.database.read(_is_taken_over):
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
        """The user, or None when DingTalk answers that the id does not exist."""
        try:
            return await self.api.user(user)
        except DingTalkError as error:
            if error.code == NOBODY:
                return None
            raise

    async def _around(self, user: User) -> Snapshot:
        # Only the user, their departments upwards and the managers there: enough for team and manager.
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
        # Missing from a read proves nothing (the contact scope may be narrower); only 60121 for that id
        # does.
        known = await self.database.read(lambda session: addresses_known(session, "dingtalk"))
        missing = sorted({one.split(":", 1)[1] for one in known} - snapshot.users.keys())
        return {user for user in missing if await self._user(user) is None}

    # Taking over

    async def _take(
        self, snapshot: Snapshot, gone: set[str], *, dry: bool, yes: bool, only: str = "", actor: str = ACTOR
    ) -> Plan:
        def work(session: Session) -> Plan:
            planned = plan(session, snapshot, gone, only)
            # The exception rolls the transaction back: a dry run writes nothing.
            if dry:
                raise _Only(planned)
            sync.apply(session, planned.changes, self.clock(), actor=actor, yes=yes, words=texts.LINKED)
            note(session, "dingtalk", facts(snapshot, only))
            mark_gone(session, map(address_of, gone), self.clock())
            return planned

        try:
            return await self.database.write(work)
        except _Only as planned:
            return planned.plan


def _first(group: BaseExceptionGroup[DingTalkError]) -> DingTalkError:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one
