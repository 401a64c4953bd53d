"""Rules of a history: requests, decisions and their revocation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlmodel import Session, col, select

from handlers import requests
from models.policy.calendar import end_of_day
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.refusal import Refusal
from tests.company import who
from tests.laws.machine import Granted, LedgerMachine
from tests.laws.terms import ASKED, PEOPLE, SHANGHAI, SOME
from tests.reference_ledger import ReferenceLedger
from tests.reference_terms import Refused

BY = st.one_of(st.none(), st.none(), st.integers(0, 12))


class RequestRules(LedgerMachine):
    @rule(person=PEOPLE, amount=ASKED, days=st.sampled_from([None, 0, 2, 40]))
    def request(self, person: int, amount: int, days: int | None) -> None:
        name = self.someone(person)
        until = None if days is None else self.now.astimezone(SHANGHAI).date() + timedelta(days=days)

        def run(session: Session) -> tuple[str, bool]:
            requests.request(self.asks(session, name), amount, "", until)
            latest = select(Request).where(Request.member_id == who(session, name).id)
            found = session.exec(
                latest.order_by(col(Request.asked_at).desc(), col(Request.id).desc())
            ).first()
            assert found is not None
            return found.code, found.state == RequestState.APPLIED

        asked = self.directory.copy().ask(name, "", amount, self.now)
        auto = asked.routable and self.reference.auto_approves(name, amount)
        kept = self.untils.get(name) if name in self.directory.open else None
        day = until or kept

        def plan(reference: ReferenceLedger) -> None:
            if auto:
                ends = end_of_day(day, SHANGHAI) if day else reference.ends
                reference.grant(name, amount, ends, "auto")
                reference.by_policy.append((name, amount, self.now))

        done = self.attempt(plan, run)
        if done is None:
            return
        code, granted = done
        assert granted == auto
        request = self.directory.ask(name, code, amount, self.now)
        self.untils[name] = day
        if auto:
            self.reference.top_ups[-1].code = code
            self.granted.append(Granted(name, code, request.heard, request.heard))
            del self.directory.open[name]

    def a_request(self, pick: int) -> tuple[str, str, int]:
        names = sorted(self.directory.open)
        request = self.directory.open[names[pick % len(names)]]
        return request.requester, request.code, request.amount

    def a_decider(self, requester: str, by: int | None, pick: int) -> str:
        """Somebody who may decide, where `by` is None and there is somebody; else anybody."""
        may = list(self.directory.may_decide(requester, self.now))[::-1]
        return may[pick % len(may)] if by is None and may else self.anybody(by or 0)

    @precondition(lambda self: self.directory.open)
    @rule(pick=PEOPLE, typed=SOME, by=BY)
    def approve(self, pick: int, typed: int | None, by: int | None) -> None:
        name, code, amount = self.a_request(pick)
        decider = self.a_decider(name, by, pick)
        self.decide(name, code, decider, typed or amount, self.said(requests.approve, decider, code, typed))

    @precondition(lambda self: self.directory.open)
    @rule(pick=PEOPLE)
    def approve_less(self, pick: int) -> None:
        name, code, _ = self.a_request(pick)
        decider = self.a_decider(name, None, pick)
        place = self.directory.may_decide(name, self.now).get(decider)
        if place is None:
            return
        shown = self.database.transact(lambda session: self.found(session, code).smaller_for(place.ceiling))
        if shown:
            self.decide(name, code, decider, shown, self.said(requests.approve_less, decider, code))

    @staticmethod
    def found(session: Session, code: str) -> Request:
        return session.exec(select(Request).where(Request.code == code)).one()

    def decide(self, name: str, code: str, decider: str, amount: int, real: Callable[[Session], Any]) -> None:
        until = self.untils[name]
        if until and end_of_day(until, SHANGHAI) <= self.now:
            with contextlib.suppress(Refusal):  # a passed day is asked back: nothing is granted
                self.database.transact(real)
            return

        def plan(reference: ReferenceLedger) -> None:
            place = self.directory.place_of(decider, name, self.now)
            if place.ceiling is not None and amount > place.ceiling:
                raise Refused("OverCeiling")
            reference.grant(name, amount, end_of_day(until, SHANGHAI) if until else reference.ends, code)

        if self.attempt(plan, real) is not None:
            place = self.directory.place_of(decider, name, self.now)
            request = self.directory.decide(decider, place, name, self.now)
            self.granted.append(Granted(name, code, {decider, place.name}, request.heard))

    @precondition(lambda self: self.directory.open)
    @rule(pick=PEOPLE, by=BY)
    def decline(self, pick: int, by: int | None) -> None:
        """It moves nothing, at any time, also while a month closes."""
        name, code, _ = self.a_request(pick)
        decider = self.a_decider(name, by, pick)
        real = self.said(requests.decline, decider, code, "no")
        if (
            self.attempt(lambda _: self.directory.place_of(decider, name, self.now), real, moves=False)
            is not None
        ):
            place = self.directory.place_of(decider, name, self.now)
            self.directory.decide(decider, place, name, self.now)
            self.reference.declined.append((name, self.now))

    @precondition(lambda self: self.directory.open)
    @rule(pick=PEOPLE)
    def cancel(self, pick: int) -> None:
        name, code, _ = self.a_request(pick)
        assert self.attempt(lambda _: None, self.said(requests.cancel, name, code), moves=False) is not None
        del self.directory.open[name]

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE, by=BY)
    def revoke(self, pick: int, by: int | None) -> None:
        done = self.granted[pick % len(self.granted)]
        may = self.directory.may_revoke(done.requester, done.deciders, self.now)
        here = sorted(may - self.reference.left)
        name = here[0] if by is None and here else self.anybody(by or 0)

        def plan(reference: ReferenceLedger) -> None:
            if name not in may:
                raise Refused("UnknownCode")
            reference.revoke(done.code)

        self.attempt(plan, self.said(requests.revoke, name, done.code))

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE, by=BY)
    def decide_again(self, pick: int, by: int | None) -> None:
        """The second click on a decided request."""
        done = self.granted[pick % len(self.granted)]
        heard = sorted(done.heard - self.reference.left - {done.requester})
        if not heard or by is not None:
            return

        def plan(_: ReferenceLedger) -> None:
            raise Refused("AlreadyDecided")

        self.attempt(plan, self.said(requests.approve, heard[0], done.code, 1))
