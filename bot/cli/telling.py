"""`--tell`: a changed policy is announced to whom it touches, and what they expect in vain is called off."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial

from sqlmodel import Session, col, select

from bot.cli.console import progress
from bot.database import Database
from handlers.announcement import announce, announced, call_off, called_off
from handlers.context import Context
from models.messages.outbox import Mailing, last_word, withdraw
from models.people.member import Member, read_addresses
from models.policy.check import Change
from models.policy.document import Policy
from models.policy.versions import PolicyVersion
from models.quota.period import CHUNK


class Announcer:
    """Promises messages about `changes` on the day `starts`, or now. `deaf`: how many of these people have no messenger."""

    def __init__(self, now: datetime, starts: date | None, changes: Iterable[Change]) -> None:
        self.now, self.starts, self.mailing = now, starts, Mailing(now)
        self.before = {change.member.id: change.before for change in changes}
        self.deaf = 0

    def tell_all(self, database: Database, version: int, policy: Policy) -> None:
        """Of the whole base, also to a joiner who got a part of it. Done again it promises nothing twice."""
        everybody = list(self.before)
        with progress("writing messages", len(everybody)) as step:
            for first in range(0, len(everybody), CHUNK):
                part = everybody[first : first + CHUNK]
                database.transact(partial(self._tell, version=version, policy=policy, members=part))
                step(len(part))

    def _tell(self, session: Session, version: int, policy: Policy, members: Collection[int]) -> None:
        for who in _people_among(session, members):
            before, after = self.before[who.id], policy.base_for(who.columns()).amount
            if before != after:
                ctx = self._voice(session, version, policy, f"{who.id}:{after}")
                self.deaf += not announce(ctx, who, before, starts=self.starts, mailing=self.mailing)

    def call_off(
        self, session: Session, version: int, policy: Policy, expecting_dropped_change: dict[int, date]
    ) -> None:
        """Tell those who expect a change on a day that it does not come after all."""
        for who in _people_among(session, expecting_dropped_change):
            ctx = self._voice(session, version, policy, f"{who.id}:off")
            call_off(ctx, who, starts=expecting_dropped_change[who.id], mailing=self.mailing)

    def summary(self, session: Session) -> str:
        """For whoever applied it: what goes out, how long that takes, and who cannot be reached."""
        number, last = self.mailing.waiting(session)
        minutes = -(-int(last.total_seconds()) // 60)
        said = f"{number} messages wait to be sent by `quotabot run`, about {minutes} minute{'s' * (minutes != 1)}"
        nobody = f"{self.deaf} people are on no messenger and hear nothing" if self.deaf else ""
        return "; ".join(filter(None, (said if number else "nobody is written to", nobody)))

    def _voice(self, session: Session, version: int, policy: Policy, what: str) -> Context:
        key = f"policy:{version}:{what}"
        return Context(session=session, now=self.now, key=key, version=version, policy=policy, actor="policy")


def _people_among(session: Session, ids: Collection[int]) -> Sequence[Member]:
    read_addresses(session, ids)
    return session.exec(select(Member).where(col(Member.id).in_(ids)).order_by(col(Member.id))).all()


def take_back(database: Database, version: int, now: datetime, touched: Sequence[int]) -> None:
    """Withdraw what is not said yet and no longer true: of what was dropped, and whatever was to be said to `touched`."""
    database.transact(partial(_take_back, version=version, now=now))
    for first in range(0, len(touched), CHUNK):
        part = touched[first : first + CHUNK]
        database.transact(partial(_take_back, version=version, now=now, touched=part))


def _take_back(session: Session, version: int, now: datetime, touched: Collection[int] | None = None) -> None:
    older = session.exec(select(PolicyVersion).where(col(PolicyVersion.version) < version)).all()
    stale = [announced(one.version or 0) for one in older if touched is not None or one.in_force_at is None]
    calls = [called_off(one.version or 0) for one in older]
    withdraw(session, [*stale, *calls], now, f"version {version} took its place", touched)


def expecting_dropped_change(
    session: Session, version: int, policy: Policy, now: datetime
) -> dict[int, date]:
    """Who was told last, or is still going to be, of a change that does not come, and its day; what is over misleads nobody."""
    older = session.exec(select(PolicyVersion).where(col(PolicyVersion.version) < version)).all()
    dropped = {announced(one.version or 0): one.effective for one in older if one.in_force_at is None}
    abouts = [about(number) for number in range(1, version + 1) for about in (announced, called_off)]
    expected = {who: dropped.get(about) for who, about in last_word(session, abouts).items()}
    today = now.astimezone(policy.zone).date()
    return {who: day for who, day in expected.items() if day is not None and day >= today}
