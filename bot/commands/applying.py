"""A policy is put in force for everybody: range by range, each its own transaction, so that a killed run goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial

from sqlmodel import Session, col, func, select

from bot.commands.console import progress
from bot.database import Database
from handlers.announcing import announce, announced, call_off, called_off
from handlers.context import Voice
from models import policy as rules
from models.enacting import enact
from models.giving import adjust
from models.ledger import Cause
from models.member import Member
from models.outbox import Mailing, last_word, withdraw
from models.period import CHUNK, Period, fit_pools
from models.policy import Policy, PolicyVersion, record_version
from models.policy_check import Change
from models.turning import advance, open_first


class Announcer:
    """Promises messages about what changes on the day `starts`, or now. `before`: whole bases by member."""

    def __init__(self, now: datetime, starts: date | None, changes: Iterable[Change]) -> None:
        self.now, self.starts, self.mailing = now, starts, Mailing(now)
        self.before = {change.member.id: change.before for change in changes}
        self.deaf = 0

    def tell(self, session: Session, version: int, policy: Policy, members: Collection[int]) -> None:
        """Of the whole base, also to a joiner who got a part of it; nothing where that stays."""
        for who in _people_among(session, members):
            before, after = self.before.get(who.id), policy.base_for(who.columns()).amount
            if before is not None and before != after:
                voice = self._voice(session, version, policy, who)
                self.deaf += not announce(voice, who, before, starts=self.starts, mailing=self.mailing)

    def call_off(self, session: Session, version: int, policy: Policy, misled: dict[int, date]) -> None:
        """Tell those who expect a change on a day that it does not come after all."""
        for who in _people_among(session, misled):
            voice = self._voice(session, version, policy, who)
            call_off(voice, who, starts=misled[who.id], mailing=self.mailing)

    def summary(self, session: Session) -> str:
        """For whoever applied it: what goes out, how long that takes, and who cannot be reached."""
        number, last = self.mailing.waiting(session)
        minutes = -(-int(last.total_seconds()) // 60)
        said = f"{number} messages wait to be sent by `quotabot run`, about {minutes} minute{'s' * (minutes != 1)}"
        nobody = f"{self.deaf} people are on no messenger and hear nothing" if self.deaf else ""
        return "; ".join(filter(None, (said if number else "nobody is written to", nobody)))

    def _voice(self, session: Session, version: int, policy: Policy, who: Member) -> Voice:
        key = f"policy:{version}:{who.id}"
        return Voice(session=session, now=self.now, key=key, version=version, policy=policy, actor="policy")


def _people_among(session: Session, ids: Collection[int]) -> Sequence[Member]:
    return session.exec(select(Member).where(col(Member.id).in_(ids)).order_by(col(Member.id))).all()


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
    if told is not None:
        touched = [change.member.id for change in changes]
        with progress("writing messages", len(touched)) as step:
            for first in range(0, len(touched), CHUNK):
                part = touched[first : first + CHUNK]
                database.transact(partial(told.tell, version=version, policy=policy, members=part))
                step(len(part))
    return version


def _staged(session: Session, text: str, now: datetime, by: str, day: date) -> int:
    """The version of this text for this day: a new one, or the one that waits when a killed run is done again."""
    waits = rules.staged(session)
    if waits is not None and waits.version and (waits.text, waits.effective) == (text, day):
        return waits.version
    return record_version(session, text, now, by, day)


def set_right(session: Session, version: int, policy: Policy, now: datetime, told: Announcer | None) -> int:
    """Withdraw what is not said yet and no longer true; call off what was said, or return how many go on expecting it."""
    before = session.exec(select(PolicyVersion).where(col(PolicyVersion.version) < version)).all()
    dropped = {announced(one.version or 0): one.effective for one in before if one.in_force_at is None}
    calls = [called_off(one.version or 0) for one in before]
    withdraw(session, [*dropped, *calls], now, f"version {version} took its place")
    today, abouts = now.astimezone(policy.zone).date(), [announced(one) for one in range(1, version + 1)]
    expected = ((who, dropped.get(about)) for who, about in last_word(session, [*abouts, *calls]).items())
    misled = {who: day for who, day in expected if day is not None and day >= today}
    if told is None:
        return len(misled)
    told.call_off(session, version, policy, misled)
    return 0


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
    last, touched = adjust(session, now, version, policy, after)
    if told is not None:
        told.tell(session, version, policy, [one.member_id for one in touched])
    return last, len(touched)


def _fit(session: Session, now: datetime, version: int, policy: Policy) -> None:
    cause = Cause(now, "policy", f"policy:{version}", policy=version)
    fit_pools(session, Period.current(session), policy, cause)


def _people(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Member).where(col(Member.left_at).is_(None))).one()
