"""`policy apply`, in ranges of people, each in its own transaction; a repetition continues a killed run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import typer
from sqlmodel import Session

from bot.actor import acting_user
from bot.cli.announcement import Announcer, welcome_everybody
from bot.cli.console import agree, progress
from bot.cli.errors import Failed
from bot.database import Database
from models.people.member import count_colleagues
from models.policy import versions
from models.policy.document import Policy
from models.policy.versions import PolicyVersion
from models.quota.allocation import adjust
from models.quota.closing import advance
from models.quota.period import CHUNK, Period
from models.quota.policy_change import adjust_pools, begin, enact
from models.quota.policy_notice import expecting_dropped_change, withdraw_outdated
from models.quota.policy_plan import PolicyPlan


@dataclass(frozen=True)
class Apply:
    """One `policy apply`. `starts`: the day of `--effective`, None for now."""

    database: Database
    plan: PolicyPlan
    text: str
    now: datetime
    starts: date | None

    @property
    def policy(self) -> Policy:
        return self.plan.policy

    @property
    def later(self) -> date | None:
        """The day on which it comes into force; None for now."""
        today = self.now.astimezone(self.policy.zone).date()
        return self.starts if self.starts and self.starts > today else None

    def open(self) -> None:
        """Record the first policy, open its period, and give everybody their whole allocation."""
        if self.later is not None:
            raise Failed("the first policy opens the current period, so it cannot wait for a day")
        self.database.transact(
            partial(begin, text=self.text, policy=self.policy, now=self.now, by=acting_user())
        )
        self._finish_turn()
        people = self.database.query(count_colleagues)
        told = welcome_everybody(self.database, self.now) if self.policy.welcome else "nobody was told"
        typer.echo(f"version 1 is in force: {people} people have their whole allocation; {told}")

    def change(self, *, yes: bool, tell: bool, silent: bool = False) -> None:
        """Put it in force, or stage it for its day; with `tell`, write to everybody whom it touches."""
        plan = self.plan
        if plan.cuts:
            agree(f"{plan.cuts} of {plan.people} people get less.", yes)
            tell = tell or (not silent and self._tell_or_not())
        announcer = Announcer(self.now, self.later, plan.changes) if tell else None
        dropped, version = self._staged_before(), self._record()
        self._withdraw_outdated(version)
        if announcer is not None:  # before posting, so that a repetition finds the people not told yet
            announcer.tell_all(self.database, version, self.policy)
        if self.later:
            done = f"waits for {self.later}; it touches {len(plan.changes)}"
        else:
            done = f"is in force; it touched {self._adjust_all(version)}"
        typer.echo(f"version {version} {done} of {plan.people} people")
        if dropped is not None and dropped.version != version:
            typer.echo(f"version {dropped.version}, which waited for {dropped.effective}, is dropped")
        self._call_off(version, announcer)

    def _tell_or_not(self) -> bool:
        """Ask on a terminal whether to write to people; elsewhere an option has to say. Raises `Failed`."""
        fewer = f"{self.plan.cuts} of {self.plan.people} people get less"
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Failed(
                f"{fewer}: say --tell to write to everybody it touches, or --silent. Nothing was changed."
            )
        return typer.confirm(f"{fewer}. Write to everybody it touches?", err=True)

    def _finish_turn(self) -> None:
        with progress("opening the period", None) as step:
            while self.database.transact(lambda session: advance(session, self.now)):
                step(1)

    def _staged_before(self) -> PolicyVersion | None:
        """The staged version that this one drops. A staged version whose day has come is put in force first."""
        while self.database.transact(lambda session: enact(session, self.now)):
            pass
        return self.database.query(versions.staged)

    def _record(self) -> int:
        if (later := self.later) is not None:
            return self.database.transact(
                lambda session: versions.stage_once(session, self.text, self.now, acting_user(), later)
            )
        self._finish_turn()
        return self.database.transact(
            lambda session: versions.record_once(session, self.text, self.now, acting_user())
        )

    def _withdraw_outdated(self, version: int) -> None:
        withdraw = partial(withdraw_outdated, version=version, now=self.now)
        self.database.transact(withdraw)
        touched = [] if self.later else [change.member.id for change in self.plan.changes]
        for first in range(0, len(touched), CHUNK):
            self.database.transact(partial(withdraw, readers=touched[first : first + CHUNK]))

    def _adjust_all(self, version: int) -> int:
        """Post the differences; returns the number of people touched."""
        after: int | None = 0
        touched = 0
        work = partial(adjust, now=self.now, version=version, policy=self.policy)
        with progress("posting differences", self.plan.people) as step:
            while after is not None:
                after, part = self.database.transact(partial(work, after=after))
                touched += len(part)
                step(min(CHUNK, self.plan.people))
        self.database.transact(lambda session: self._adjust_pools(session, version))
        return touched

    def _adjust_pools(self, session: Session, version: int) -> None:
        adjust_pools(session, Period.current(session), version, self.policy, self.now)

    def _call_off(self, version: int, announcer: Announcer | None) -> None:
        expecting = self.database.query(
            partial(expecting_dropped_change, version=version, policy=self.policy, now=self.now)
        )
        if announcer is not None:
            self.database.transact(
                partial(announcer.call_off, version=version, policy=self.policy, expecting=expecting)
            )
            typer.echo(self.database.query(announcer.summary))
        elif expecting:
            typer.echo(
                f"{len(expecting)} had been told of a change that does not come; --tell would call it off"
            )
