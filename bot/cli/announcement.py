"""Messages about `policy apply --tell`: to everybody whom the change touches, and to people who expect a dropped change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial

from sqlmodel import Session, col, select

from bot.cli.console import progress
from bot.database import Database
from handlers.announcement import announce, call_off, greet_all
from handlers.context import Context
from models.messages.outbox import Mailing
from models.people.member import Member, count_colleagues, read_addresses
from models.policy.check import Change
from models.policy.document import Policy
from models.quota.period import CHUNK


class Announcer:
    """Promises messages about `changes` on the day `starts`, or now.

    `unreachable` counts people without a messenger.
    """

    def __init__(self, now: datetime, starts: date | None, changes: Iterable[Change]) -> None:
        self.now, self.starts, self.mailing = now, starts, Mailing(now)
        self.before = {change.member.id: change.before for change in changes}
        self.unreachable = 0

    def tell_all(self, database: Database, version: int, policy: Policy) -> None:
        """Name the whole base, also to a joiner with a part of it. A repetition promises nothing twice."""
        everybody = list(self.before)
        with progress("writing messages", len(everybody)) as step:
            for first in range(0, len(everybody), CHUNK):
                part = everybody[first : first + CHUNK]
                database.transact(partial(self._tell, version=version, policy=policy, members=part))
                step(len(part))

    def _tell(self, session: Session, version: int, policy: Policy, members: Collection[int]) -> None:
        for member in _members(session, members):
            before, after = self.before[member.id], policy.base_for(member.columns()).amount
            if before != after:
                ctx = self._context(session, version, policy, f"{member.id}:{after}")
                reached = announce(ctx, member, before, starts=self.starts, mailing=self.mailing)
                self.unreachable += not reached

    def call_off(self, session: Session, version: int, policy: Policy, expecting: dict[int, date]) -> None:
        """Tell people who expect a change that it was dropped. `expecting`: {member_id: day}."""
        for member in _members(session, expecting):
            ctx = self._context(session, version, policy, f"{member.id}:off")
            call_off(ctx, member, starts=expecting[member.id], mailing=self.mailing)

    def summary(self, session: Session) -> str:
        """The number of waiting messages, their duration, and the number of people without a messenger."""
        number, last = self.mailing.waiting(session)
        minutes = -(-int(last.total_seconds()) // 60)
        waiting = f"{number} messages wait to be sent by `quotabot run`, about {minutes} minute{'s' * (minutes != 1)}"
        nobody = f"{self.unreachable} people are on no messenger and hear nothing" if self.unreachable else ""
        return "; ".join(filter(None, (waiting if number else "nobody is written to", nobody)))

    def _context(self, session: Session, version: int, policy: Policy, subject: str) -> Context:
        key = f"policy:{version}:{subject}"
        return Context(session=session, now=self.now, key=key, version=version, policy=policy, actor="policy")


def welcome_everybody(database: Database, now: datetime) -> str:
    """Write to all members about their quota and how to ask, at a pace that messengers accept. Returns what waits."""
    mailing, after = Mailing(now), 0

    def some(session: Session, after: int) -> tuple[int | None, int]:
        query = select(Member.id).where(col(Member.id) > after, col(Member.left_at).is_(None))
        people = session.exec(query.order_by(col(Member.id)).limit(CHUNK)).all()
        told = sum(greet_all(session, _members(session, people), now, mailing))
        return (people[-1] if len(people) == CHUNK else None), told

    number, last = 0, database.query(count_colleagues)
    with progress("writing messages", last) as step:
        following: int | None = after
        while following is not None:
            following, told = database.transact(partial(some, after=following))
            number += told
            step(min(CHUNK, last))
    return f"{number} messages wait to be sent by `quotabot run`"


def _members(session: Session, ids: Collection[int]) -> Sequence[Member]:
    read_addresses(session, ids)
    return session.exec(select(Member).where(col(Member.id).in_(ids)).order_by(col(Member.id))).all()
