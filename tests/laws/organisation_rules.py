"""Rules of a history: grants of an admin, cuts, and usage that the gateway reports."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import (
    rule,
)
from sqlmodel import Session

from handlers import giving
from models.ledger.account import AccountKind, organisation
from models.metering.usage import MemberUsage, book
from models.policy.calendar import end_of_day
from models.quota.allocation import take_allocation
from models.quota.grant import give_team, top_up
from tests.company import who
from tests.laws.machine import LedgerMachine
from tests.laws.terms import AMOUNTS, PEOPLE, SHANGHAI, SOME
from tests.reference_ledger import ReferenceLedger


class OrganisationRules(LedgerMachine):
    @rule(person=PEOPLE, amount=AMOUNTS, days=st.integers(0, 40))
    def gift(self, person: int, amount: int, days: int) -> None:
        if self.turning:
            return
        name, ends = self.someone(person), self.now + timedelta(days=days)

        def run(session: Session) -> None:
            issued = organisation(session, AccountKind.ISSUED, self.now)
            top_up(session, who(session, name).id, amount, source=issued, ends_at=ends, cause=self.cause())

        self.attempt(lambda reference: reference.gift(name, amount, ends), run)

    @rule(amount=AMOUNTS, days=st.sampled_from([None, 0, 5, 40]))
    def grant_to_team(self, amount: int, days: int | None) -> None:
        """An admin's grant to everybody of the payments team who is here."""
        until = None if days is None else self.now.astimezone(SHANGHAI).date() + timedelta(days=days)
        inside = [name for name, team in self.directory.teams.items() if team == "payments"]

        def plan(reference: ReferenceLedger) -> None:
            ends = reference.ends if until is None else end_of_day(until, SHANGHAI)
            for name in inside:
                if name not in reference.left:
                    reference.gift(name, amount, ends)

        def run(session: Session) -> None:
            policy = self.ctx(session).policy
            give_team(session, "payments", amount, until=until, policy=policy, cause=self.cause())

        self.attempt(plan, run)

    @rule(person=PEOPLE, amount=SOME)
    def give(self, person: int, amount: int | None) -> None:
        """Own quota for the team's budget, or back to the organisation."""
        name = self.someone(person)
        self.attempt(
            lambda reference: reference.give(name, amount), self.said(giving.give_to_team, name, amount)
        )

    @rule(person=PEOPLE, amount=AMOUNTS)
    def take(self, person: int, amount: int) -> None:
        if self.turning:
            return
        name = self.someone(person)

        def run(session: Session) -> None:
            take_allocation(
                session,
                who(session, name).id,
                amount,
                organisation(session, AccountKind.ISSUED, self.now),
                self.cause(),
            )

        self.attempt(lambda reference: reference.take(name, amount), run)

    @rule(
        person=st.integers(0, 30),
        model=st.sampled_from(["opus", "mini"]),
        ago=st.integers(0, 3),
        total=AMOUNTS,
        again=st.booleans(),
    )
    def usage(self, person: int, model: str, ago: int, total: int, again: bool) -> None:
        """A cumulative figure, late or twice or lower than the last; also of somebody who has left."""
        name = self.people[person % len(self.people)]
        day = self.now.astimezone(SHANGHAI).date() - timedelta(days=ago)

        def run(session: Session) -> None:
            reading = MemberUsage(who(session, name).id, day, model, total)
            book(session, [reading] * (2 if again else 1), zone=SHANGHAI, cause=self.cause())

        self.attempt(lambda reference: reference.meter(name, str(day), model, total), run)

    @rule(person=st.integers(0, 30), total=AMOUNTS)
    def more_usage(self, person: int, total: int) -> None:
        name = self.people[person % len(self.people)]
        known = sum(n for (one, _, _), n in self.reference.read.items() if one == name)
        self.usage(person, f"m{known}", 0, total, False)
