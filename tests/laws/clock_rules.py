"""Rules of a history: time, policy, joining, leaving, and the close of a month."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlmodel import Session

from handlers.clock import grants
from handlers.context import Context
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota import closing
from models.quota.allocation import adjust, welcome_all
from models.quota.leaving import leave
from models.quota.period import Period
from models.quota.pool import fit_pools
from tests.company import who
from tests.laws.machine import LedgerMachine, month_after
from tests.laws.terms import FIRST, LEAVERS, PEOPLE, SHANGHAI, TERMS, policy_text
from tests.reference_ledger import ReferenceLedger, Terms


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

    def ctx(self, session: Session) -> Context:
        current = versions.current(session)
        assert current is not None
        self.number += 1
        return Context(
            session=session, now=self.now, key=f"clock{self.number}", version=current[0], policy=current[1]
        )

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

    @precondition(lambda self: len(self.people) < 9 and not self.turning)
    @rule(engineer=st.booleans())
    def join(self, engineer: bool) -> None:
        name, team = f"new{len(self.people)}", "payments" if engineer else "design"
        starts = self.reference.ends - timedelta(days=1)
        whole = starts.astimezone(SHANGHAI).day
        today = self.now.astimezone(SHANGHAI).date()
        left = (
            max(0, (self.reference.ends.astimezone(SHANGHAI).date() - today).days)
            if self.now < self.reference.ends
            else 0
        )

        def run(session: Session) -> None:
            member = Member(name=name, email=f"{name}@corp.example", gateway_id=name, team=team, joined_at=self.now,
                            manager_id=who(session, "carol").id)  # fmt: skip
            session.add(member)
            session.flush()
            Address.give(session, member, f"slack:{name}")
            welcome_all(session, [member.id], self.now)

        FIRST[name] = "carol"
        self.people.append(name)
        if engineer:
            self.reference.payers[name] = "payments"
        base = self.reference.terms.bases["*"]
        self.attempt(lambda reference: reference.settle(name, base, (left, whole)), run)

    @precondition(lambda self: not self.turning and len(self.reference.left) < 2)
    @rule(person=PEOPLE)
    def leave(self, person: int) -> None:
        here = [name for name in LEAVERS if name not in self.reference.left]
        name = here[person % len(here)]
        self.attempt(
            lambda reference: reference.leave(name),
            lambda session: leave(session, who(session, name), self.now),
        )
        self.open.pop(name, None)

    @precondition(lambda self: not self.turning)
    @rule(
        late=st.sampled_from([0, 1, 26, 24 * 35]),
        pieces=st.one_of(st.just(99), st.integers(0, 40)),
        killed=st.booleans(),
    )
    def close(self, late: int, pieces: int, killed: bool) -> None:
        """The month ends; the job may stop after any piece, or die within one."""
        self.now = max(self.now, self.reference.ends + timedelta(hours=late))
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
                self.turning = False
                return
