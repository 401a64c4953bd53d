"""A policy is put in force for everybody: range by range, each its own transaction, so that a killed run goes on."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from sqlmodel import Session, col, func, select

from bot.cli.console import progress
from bot.database import Database
from models.ledger.transfer import Cause
from models.people.member import Member
from models.policy import versions
from models.policy.document import Policy
from models.policy.versions import PolicyVersion, record_version
from models.quota.allocation import adjust
from models.quota.closing import advance, open_first
from models.quota.period import CHUNK, Period
from models.quota.policy_change import enact
from models.quota.pool import fit_pools


def open_all(database: Database, text: str, policy: Policy, now: datetime, by: str) -> int:
    """Record the first policy, open its period, and give everybody their whole allocation; returns how many."""
    database.transact(lambda session: _begin(session, text, policy, now, by))
    finish_turn(database, now)
    return database.query(_people)


def _begin(session: Session, text: str, policy: Policy, now: datetime, by: str) -> None:
    if versions.current(session) is None:
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
    return database.query(versions.staged)


def staged(session: Session, text: str, now: datetime, by: str, day: date) -> int:
    """The version of this text that waits for this day: a new one, or the one that waits when a killed run is done again."""
    waits = versions.staged(session)
    if waits is not None and waits.version and (waits.text, waits.effective) == (text, day):
        return waits.version
    return record_version(session, text, now, by, day)


def adjust_all(database: Database, version: int, policy: Policy, now: datetime, people: int) -> int:
    """Post what a changed policy makes differ; returns for how many."""
    after: int | None = 0
    touched = 0
    with progress("posting differences", people) as step:
        while after is not None:
            after, part = database.transact(
                partial(adjust, now=now, version=version, policy=policy, after=after)
            )
            touched += len(part)
            step(min(CHUNK, people))
    database.transact(lambda session: _fit(session, now, version, policy))
    return touched


def recorded(session: Session, text: str, now: datetime, by: str) -> int:
    """The version of this text: a new one, or the one in force when a killed run is done again."""
    newest = session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version).desc()).limit(1)).first()
    if newest is not None and newest.version and newest.in_force_at is not None and newest.text == text:
        return newest.version
    return record_version(session, text, now, by)


def _fit(session: Session, now: datetime, version: int, policy: Policy) -> None:
    cause = Cause(now, "policy", f"policy:{version}", policy=version)
    fit_pools(session, Period.current(session), policy, cause)


def _people(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Member).where(col(Member.left_at).is_(None))).one()
