"""Rules of a history: joining, leaving and coming back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlmodel import Session

from handlers.clock.leaving import let_come_back
from models.people.member import Address, Member
from models.quota.allocation import welcome_all
from models.quota.leaving import leave
from tests.company import who
from tests.laws.machine import LedgerMachine
from tests.laws.terms import LEAVERS, PEOPLE


class PeopleRules(LedgerMachine):
    @precondition(lambda self: len(self.people) < 9 and not self.turning)
    @rule(engineer=st.booleans())
    def join(self, engineer: bool) -> None:
        name, team = f"new{len(self.people)}", "payments" if engineer else "design"

        def run(session: Session) -> None:
            member = Member(name=name, email=f"{name}@corp.example", gateway_id=name, team=team, joined_at=self.now,
                            manager_id=who(session, "carol").id)  # fmt: skip
            session.add(member)
            session.flush()
            Address.give(session, member, f"slack:{name}")
            welcome_all(session, [member.id], self.now)

        self.directory.managers[name], self.directory.teams[name] = "carol", team
        self.people.append(name)
        if engineer:
            self.reference.payers[name] = "payments"
        base = self.reference.terms.bases["*"]
        self.attempt(lambda reference: reference.settle(name, base, self.days_left()), run)

    @precondition(lambda self: not self.turning and len(self.reference.left) < 2)
    @rule(person=PEOPLE, stays=st.sampled_from([True, True, False]))
    def leave(self, person: int, stays: bool) -> None:
        if stays:
            return  # leaving and coming back should not crowd out the rest of a history
        here = [name for name in LEAVERS if name not in self.reference.left]
        name = here[person % len(here)]
        self.attempt(
            lambda reference: reference.leave(name),
            lambda session: leave(session, who(session, name), self.now),
        )
        self.directory.leave(name)
        self.asked = [one for one in self.asked if name not in one[1:3]]

    @precondition(lambda self: not self.turning and self.reference.left)
    @rule(person=PEOPLE)
    def come_back(self, person: int) -> None:
        """Through the same door as a joiner: nobody gets more by leaving and coming back."""
        name = sorted(self.reference.left)[person % len(self.reference.left)]

        def run(session: Session) -> None:
            member = who(session, name)
            member.left_at = None
            session.add(member)
            session.flush()
            welcome_all(session, [member.id], self.now)
            let_come_back(session, [member], self.now)

        self.attempt(lambda reference: reference.come_back(name, self.days_left()), run)
        self.directory.left.discard(name)
