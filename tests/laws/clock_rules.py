"""Rules of a history: time, policy, joining, leaving, and the close of a month."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlmodel import Session

from handlers.clock import grants
from models.policy import document, versions
from models.quota import closing, policy_change
from models.quota.allocation import adjust
from models.quota.period import Period
from models.quota.pool import fit_pools
from tests.laws.machine import LedgerMachine, month_after
from tests.laws.terms import SHANGHAI, TERMS, policy_text
from tests.reference_ledger import ReferenceLedger
from tests.reference_terms import Terms


class ClockRules(LedgerMachine):
    @rule(hours=st.sampled_from([1, 30, 100]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def end_grants(self) -> None:
        def plan(reference: ReferenceLedger) -> None:
            if self.now < reference.ends:
                reference.end_grants(self.now)

        self.attempt(plan, lambda session: grants.end_grants(self.ctx(session)), moves=False)

    @rule(terms=st.sampled_from(TERMS))
    def change_policy(self, terms: Terms) -> None:
        def run(session: Session) -> None:
            period, written = Period.current(session), policy_text(terms)
            version = versions.record_version(session, written, self.now, "ops")
            after: int | None = 0
            while after is not None:
                after, _ = adjust(session, self.now, version, document.parse(written), after)
            fit_pools(session, period, document.parse(written), self.cause())

        self.attempt(lambda reference: reference.change(terms), run)

    @precondition(lambda self: not self.turning)
    @rule(terms=st.sampled_from(TERMS), days=st.sampled_from([1, 3, 20, 30]))
    def stage(self, terms: Terms, days: int) -> None:
        """A policy that waits for its day; a later one takes its place."""
        day = self.now.astimezone(SHANGHAI).date() + timedelta(days=days)
        self.database.transact(
            lambda session: versions.stage_once(session, policy_text(terms), self.now, "ops", day) and None
        )
        self.reference.staged = terms, datetime.combine(day, time(), SHANGHAI)

    @precondition(lambda self: not self.turning)
    @rule()
    def enact(self) -> None:
        while self.database.transact(lambda session: policy_change.enact(session, self.now)):
            pass
        self.reference.enact(self.now)

    @precondition(lambda self: not self.turning)
    @rule(
        late=st.sampled_from([0, 1, 26, 24 * 35]),
        pieces=st.one_of(st.just(99), st.integers(0, 40)),
        killed=st.booleans(),
    )
    def close(self, late: int, pieces: int, killed: bool) -> None:
        """The month ends; the job may stop after any piece, or die within one."""
        self.now = max(self.now, self.reference.ends + timedelta(hours=late))
        self.enact()
        assert self.database.transact(lambda session: closing.begin_turn(session, self.now))
        self.turning = True
        self.go_on(pieces, killed)

    @precondition(lambda self: self.turning)
    @rule(pieces=st.one_of(st.just(99), st.integers(1, 40)), killed=st.booleans())
    def go_on(self, pieces: int, killed: bool) -> None:
        for _ in range(pieces):
            if killed:
                with pytest.raises(ZeroDivisionError):
                    self.database.transact(lambda session: closing.advance(session, self.now) / 0)
            if not self.database.transact(lambda session: closing.advance(session, self.now)):
                self.reference.turn(month_after(self.reference.ends))
                self.directory.starts = self.reference.starts
                self.turning = False
                return
