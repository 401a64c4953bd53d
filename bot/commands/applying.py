"""A policy is put in force for everybody: range by range, each its own transaction, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, func, select

from bot.commands.console import progress
from bot.database import Database
from handlers.announcing import announce, announced, call_off
from handlers.context import Voice
from models import policy as rules
from models.calendar import midnight
from models.enacting import adjust_range, enact
from models.ledger import Cause
from models.member import Member
from models.outbox import heard, withdraw
from models.period import CHUNK, Period, fit_pools
from models.policy import Policy, PolicyVersion, record_version
from models.policy_check import Change
from models.turning import advance, open_first

EVERY = timedelta(seconds=1)
"""Between two messages: what messengers allow."""


class Announcer:
    """Promises one message a second, from `now` on, about what changes from `starts` on. `before`: whole bases by member."""

    def __init__(self, now: datetime, starts: datetime, changes: Iterable[Change]) -> None:
        self.now, self.starts, self.number = now, starts, 0
        self.before = {change.member.id: change.before for change in changes}
        self.told: set[int] = set()

    @property
    def eta(self) -> str:
        minutes = -(-self.number // 60)
        return f"about {minutes} minute{'s' * (minutes != 1)}"

    def tell(self, session: Session, version: int, policy: Policy, who: Member) -> None:
        """Of the whole base, also to a joiner who got a part of it; nothing where that stays."""
        before, after = self.before.get(who.id), policy.base_for(who.columns()).amount
        if before is not None and before != after:
            voice = self._voice(session, version, policy, who)
            self.told.add(who.id)
            self.number += announce(voice, who, before, after, starts=self.starts, due=self._due)

    def call_off(self, session: Session, version: int, policy: Policy, dropped: PolicyVersion) -> None:
        """Tell those who heard of a change that does not come after all, and have heard nothing newer."""
        assert dropped.version is not None
        for member_id in heard(session, announced(dropped.version)):
            if member_id not in self.told:
                who = session.get_one(Member, member_id)
                voice, amount = (
                    self._voice(session, version, policy, who),
                    policy.base_for(who.columns()).amount,
                )
                starts = midnight(dropped.effective or self.now.date(), policy.zone)
                self.number += call_off(voice, who, amount, starts=starts, due=self._due)

    @property
    def _due(self) -> datetime:
        return self.now + self.number * EVERY

    def _voice(self, session: Session, version: int, policy: Policy, who: Member) -> Voice:
        key = f"policy:{version}:{who.id}"
        return Voice(session=session, now=self.now, key=key, version=version, policy=policy, actor="policy")


def open_all(database: Database, text: str, policy: Policy, now: datetime, by: str) -> int:
    """Record the first policy, open its period, and give everybody their whole allocation; returns how many."""
    database.transact(lambda session: _begin(session, text, policy, now, by))
    finish_turn(database, now)
    return database.transact(_people)


def _begin(session: Session, text: str, policy: Policy, now: datetime, by: str) -> None:
    if rules.current(session) is None:
        open_first(session, now, record_version(session, text, now, by), policy)


def finish_turn(database: Database, now: datetime) -> None:
    """Bring a period that is opening to its end; does nothing when none is."""
    with progress("opening the period", None) as step:
        while database.transact(lambda session: advance(session, now)):
            step(1)


def waiting(database: Database, now: datetime) -> PolicyVersion | None:
    """The staged version whose place another is about to take; one whose day has come is put in force first."""
    while database.transact(lambda session: enact(session, now)):
        pass
    return database.transact(rules.staged)


def stage(
    database: Database, text: str, policy: Policy, changes: Sequence[Change], now: datetime, day: date, by: str, told: Announcer | None
) -> int:  # fmt: skip
    """Keep a policy for its day, and announce it when that is wanted; returns its version."""
    version = database.transact(lambda session: _staged(session, text, now, by, day))
    for first in range(0, len(changes) if told else 0, CHUNK):
        part = changes[first : first + CHUNK]
        database.transact(partial(_tell_all, version=version, policy=policy, changes=part, told=told))
    return version


def _staged(session: Session, text: str, now: datetime, by: str, day: date) -> int:
    """The version of this text for this day: a new one, or the one that waits when a killed run is done again."""
    waits = rules.staged(session)
    if waits is not None and waits.version and (waits.text, waits.effective) == (text, day):
        return waits.version
    return record_version(session, text, now, by, day)


def _tell_all(
    session: Session, version: int, policy: Policy, changes: Sequence[Change], told: Announcer | None
) -> None:
    for change in changes if told else ():
        assert told is not None
        told.tell(session, version, policy, session.get_one(Member, change.member.id))


def drop(
    database: Database, dropped: PolicyVersion, version: int, policy: Policy, now: datetime, told: Announcer | None
) -> int:  # fmt: skip
    """Withdraw what is not said yet of a staged version whose place another took; returns how many have heard of it."""
    about = announced(dropped.version or 0)
    database.transact(lambda session: withdraw(session, about, now, f"version {version} took its place"))
    if told is not None:
        database.transact(lambda session: told.call_off(session, version, policy, dropped))
    return database.transact(lambda session: len(heard(session, about)))


def adjust_all(
    database: Database, text: str, policy: Policy, now: datetime, by: str, people: int, told: Announcer | None
) -> tuple[int, int]:
    """Put a changed policy in force and post the differences; returns its version and how many it touched."""
    finish_turn(database, now)
    version = database.transact(lambda session: _recorded(session, text, now, by))
    after: int | None = 0
    touched = 0
    with progress("posting differences", people) as step:
        while after is not None:
            after, part = database.transact(
                partial(_adjust, now=now, version=version, policy=policy, after=after, told=told)
            )
            touched += part
            step(min(CHUNK, people))
    database.transact(lambda session: _fit(session, now, version, policy))
    return version, touched


def _recorded(session: Session, text: str, now: datetime, by: str) -> int:
    """The version of this text: a new one, or the one in force when a killed run is done again."""
    newest = session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version).desc()).limit(1)).first()
    if newest is not None and newest.version and newest.in_force_at is not None and newest.text == text:
        return newest.version
    return record_version(session, text, now, by)


def _adjust(
    session: Session, now: datetime, version: int, policy: Policy, after: int, told: Announcer | None
) -> tuple[int | None, int]:
    last, touched = adjust_range(session, now, version, policy, after)
    if told is not None:
        for one in touched:
            told.tell(session, version, policy, session.get_one(Member, one.member_id))
    return last, len(touched)


def _fit(session: Session, now: datetime, version: int, policy: Policy) -> None:
    cause = Cause(now, "policy", f"policy:{version}", policy=version)
    fit_pools(session, Period.current(session), policy, cause)


def _people(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Member).where(col(Member.left_at).is_(None))).one()
