"""Rules of a history: delegation, moves to another manager or team, and what follows for open requests."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlmodel import Session, select

from handlers import delegations, rerouting
from models.people.member import Member
from models.policy.calendar import end_of_day
from models.quota import approvers
from models.quota.request import Request
from tests.company import who
from tests.laws.machine import LedgerMachine
from tests.laws.terms import APPROVERS, MOVERS, PEOPLE, SHANGHAI


class AuthorityRules(LedgerMachine):
    @rule(giver=PEOPLE, to=st.integers(0, 12), days=st.sampled_from([0, 3, 40]))
    def delegate(self, giver: int, to: int, days: int) -> None:
        name, colleague = self.approver(giver), self.anybody(to)
        until = self.now.astimezone(SHANGHAI).date() + timedelta(days=days)
        if name == colleague:
            return
        ends = end_of_day(until, SHANGHAI)
        self.attempt(
            lambda _: None,
            lambda session: delegations.delegate(self.asks(session, name), who(session, colleague), until),
            moves=False,
        )
        self.directory.delegate(name, colleague, ends)
        self.hear_of_delegation(name)

    @rule(giver=PEOPLE)
    def undelegate(self, giver: int) -> None:
        name = self.approver(giver)
        self.attempt(lambda _: None, self.said(delegations.undelegate, name), moves=False)
        self.directory.delegate(name, None, None)
        self.hear_of_delegation(name)

    def approver(self, pick: int) -> str:
        """Somebody who was asked, where there is anybody; else a possible approver."""
        asked = sorted({name for one in self.directory.open.values() for name in one.asked})
        here = [name for name in asked or APPROVERS if name not in self.reference.left]
        return here[pick % len(here)] if here else "cfo"

    def hear_of_delegation(self, name: str) -> None:
        # The delegates of everybody asked get the cards of what waits for this approver.
        for requester, request in self.directory.open.items():
            if name in request.asked:
                for place in self.directory.chain(requester, self.now):
                    request.heard |= set(place.deciders) if place.name in request.asked else set()

    @rule(person=PEOPLE, manager=PEOPLE, engineer=st.booleans())
    def move(self, person: int, manager: int, engineer: bool) -> None:
        """Another manager and another team; the clock asks the right approvers later, or never."""
        here = [name for name in self.movers() if name not in self.reference.left]
        if not here:
            return
        name, team = here[person % len(here)], "payments" if engineer else "design"
        boss = APPROVERS[manager % len(APPROVERS)]

        def run(session: Session) -> None:
            member = who(session, name)
            member.manager_id, member.team = who(session, boss).id, team
            session.add(member)

        self.database.transact(run)
        self.directory.managers[name], self.directory.teams[name] = boss, team
        if engineer:
            self.reference.payers[name] = team
        else:
            self.reference.payers.pop(name, None)

    def movers(self) -> list[str]:
        return [*MOVERS, *(name for name in self.people if name.startswith("new"))]

    @precondition(lambda self: self.directory.open)
    @rule()
    def reroute(self) -> None:
        """What the clock does each minute, without reminders and without the passing of time."""

        def run(session: Session) -> None:
            ctx = self.ctx(session)
            for requester in self.directory.open:
                request = self.open_of(session, requester)
                asked = approvers.entries(session, request.id)
                today = approvers.entries_today(session, ctx.policy, request.id, request.member_id, self.now)
                gone = rerouting.absent(ctx, request, asked, today)
                if gone or request.state == "unroutable":
                    rerouting.replace(ctx, request, gone)

        self.database.transact(run)
        for request in self.directory.open.values():
            self.directory.reroute(request, self.now)

    def open_of(self, session: Session, requester: str) -> Request:
        code = self.directory.open[requester].code
        return session.exec(select(Request).where(Request.code == code)).one()

    def deciders(self, session: Session, requester: str) -> dict[str, int | None]:
        """Who may decide by the database, and up to how much."""
        request = self.open_of(session, requester)
        policy = self.ctx(session).policy
        today = approvers.entries_today(session, policy, request.id, request.member_id, self.now)
        return {
            session.get_one(Member, one.member_id).email.split("@")[0]: one.ceiling for one in today.values()
        }
