"""A policy is put in force for everybody: range by range, each its own transaction, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, func, select

from bot.commands.console import progress
from bot.database import Database
from handlers.announcing import announce
from handlers.context import Voice
from models import policy as rules
from models.enacting import adjust_range
from models.ledger import Cause
from models.member import Member
from models.period import CHUNK, Period, fit_pools
from models.policy import Policy, PolicyVersion, record_version
from models.policy_check import Change
from models.turning import advance, open_first

EVERY = timedelta(seconds=1)
"""Between two messages: what messengers allow."""


class Announcer:
    """Promises one message a second, from `now` on, about what changes from `starts` on."""

    def __init__(self, now: datetime, starts: datetime) -> None:
        self.now, self.starts, self.number = now, starts, 0

    @property
    def eta(self) -> str:
        minutes = -(-self.number // 60)
        return f"about {minutes} minute{'s' * (minutes != 1)}"

    def tell(
        self, session: Session, version: int, policy: Policy, who: Member, before: int, after: int
    ) -> None:
        key = f"policy:{version}:{who.id}"
        voice = Voice(session=session, now=self.now, key=key, version=version, policy=policy, actor="policy")
        due = self.now + self.number * EVERY
        self.number += announce(voice, who, before, after, starts=self.starts, due=due)


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


def stage(
    database: Database, text: str, policy: Policy, changes: Sequence[Change], now: datetime, day: date, by: str, told: Announcer | None
) -> int:  # fmt: skip
    """Keep a policy for its day, and announce it when that is wanted; returns its version."""
    version = database.transact(lambda session: record_version(session, text, now, by, day))
    for first in range(0, len(changes) if told else 0, CHUNK):
        part = changes[first : first + CHUNK]
        database.transact(partial(_tell_all, version=version, policy=policy, changes=part, told=told))
    return version


def _tell_all(
    session: Session, version: int, policy: Policy, changes: Sequence[Change], told: Announcer | None
) -> None:
    for change in changes if told else ():
        assert told is not None
        told.tell(session, version, policy, change.member, change.before, change.after)


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
            told.tell(session, version, policy, session.get_one(Member, one.member_id), one.before, one.after)
    return last, len(touched)


def _fit(session: Session, now: datetime, version: int, policy: Policy) -> None:
    cause = Cause(now, "policy", f"policy:{version}", policy=version)
    fit_pools(session, Period.current(session), policy, cause)


def _people(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Member).where(col(Member.left_at).is_(None))).one()
