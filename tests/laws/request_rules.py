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
from sqlmodel import Session, select

from handlers import requests
from models.policy.calendar import end_of_day
from models.quota.request import Request, open_request
from models.refusal import Refusal
from tests.company import who
from tests.laws.machine import LedgerMachine
from tests.laws.terms import AMOUNTS, FIRST, PEOPLE, SHANGHAI, SOME, USD
from tests.reference_ledger import ReferenceLedger, Refused


class RequestRules(LedgerMachine):
    @rule(person=PEOPLE, amount=AMOUNTS, days=st.sampled_from([None, 0, 2, 40]))
    def request(self, person: int, amount: int, days: int | None) -> None:
        name = self.someone(person)
        until = None if days is None else self.now.astimezone(SHANGHAI).date() + timedelta(days=days)

        def run(session: Session) -> str:
            requests.request(self.asks(session, name), amount, "", until)
            found = open_request(session, who(session, name).id)
            assert found is not None
            return found.code

        code = self.attempt(lambda reference: None, run)
        if code is not None:
            self.open[name] = (code, amount)

    def a_request(self, pick: int) -> tuple[str, str, int]:
        names = sorted(self.open)
        name = names[pick % len(names)]
        return name, *self.open[name]

    @precondition(lambda self: self.open)
    @rule(pick=PEOPLE, typed=SOME, by=st.one_of(st.none(), PEOPLE))
    def approve(self, pick: int, typed: int | None, by: int | None) -> None:
        name, code, amount = self.a_request(pick)
        decider = FIRST[name] if by is None else self.someone(by)
        self.decide(name, code, decider, typed or amount, self.said(requests.approve, decider, code, typed))

    @precondition(lambda self: self.open)
    @rule(pick=PEOPLE)
    def approve_less(self, pick: int) -> None:
        name, code, _ = self.a_request(pick)
        decider = FIRST[name]
        shown = self.database.transact(
            lambda session: self.found(session, code).smaller_for(500 * USD if decider != "cfo" else None)
        )
        if shown:
            self.decide(name, code, decider, shown, self.said(requests.approve_less, decider, code))

    @staticmethod
    def found(session: Session, code: str) -> Request:
        return session.exec(select(Request).where(Request.code == code)).one()

    def decide(self, name: str, code: str, decider: str, amount: int, real: Callable[[Session], Any]) -> None:
        until = self.database.transact(lambda session: self.found(session, code).until)
        if until and end_of_day(until, SHANGHAI) <= self.now:
            with contextlib.suppress(Refusal):  # a passed day is asked back: nothing is granted
                self.database.transact(real)
            return

        def plan(reference: ReferenceLedger) -> None:
            if decider != FIRST[name]:
                raise Refused("UnknownCode")
            if decider != "cfo" and amount > 500 * USD:
                raise Refused("OverCeiling")
            reference.grant(name, amount, end_of_day(until, SHANGHAI) if until else reference.ends, code)

        if self.attempt(plan, real) is not None:
            del self.open[name]
            self.granted.append((code, decider))

    @precondition(lambda self: self.open)
    @rule(pick=PEOPLE, cancel=st.booleans())
    def withdraw(self, pick: int, cancel: bool) -> None:
        """Declined by the manager, or taken back: neither moves anything, at any time."""
        name, code, _ = self.a_request(pick)
        real = (
            self.said(requests.cancel, name, code)
            if cancel
            else self.said(requests.decline, FIRST[name], code, "no")
        )
        assert self.attempt(lambda reference: None, real, moves=False) is not None
        del self.open[name]

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE)
    def revoke(self, pick: int) -> None:
        code, decider = self.granted[pick % len(self.granted)]
        self.attempt(lambda reference: reference.revoke(code), self.said(requests.revoke, decider, code))

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE)
    def decide_again(self, pick: int) -> None:
        """The second click on a decided request."""
        code, decider = self.granted[pick % len(self.granted)]

        def plan(_: ReferenceLedger) -> None:
            raise Refused("AlreadyDecided")

        self.attempt(plan, self.said(requests.approve, decider, code, 1))
