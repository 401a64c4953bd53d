"""Rules of a history: what colleagues lend, return and forgive."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis.stateful import (
    precondition,
    rule,
)
from sqlmodel import Session, col, select

from handlers import asking, lending
from models.quota.ask import Ask
from models.refusal import Refusal
from tests.company import who
from tests.laws.machine import LedgerMachine
from tests.laws.terms import AMOUNTS, PEOPLE, SOME
from tests.reference_ledger import ReferenceLedger
from tests.reference_terms import Refused


class LendingRules(LedgerMachine):
    @rule(lender=PEOPLE, borrower=PEOPLE, amount=SOME)
    def lend(self, lender: int, borrower: int, amount: int | None) -> None:
        one, other = self.someone(lender), self.someone(borrower)
        self.attempt(
            lambda reference: reference.lend(one, other, amount), self.said(lending.lend, one, other, amount)
        )

    @rule(lender=PEOPLE, borrower=PEOPLE, amount=SOME)
    def lend_again(self, lender: int, borrower: int, amount: int | None) -> None:
        self.lend(lender, borrower, amount)

    @rule(pick=PEOPLE, amount=SOME)
    def repay(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda reference: reference.repay(other, one, amount),
            self.said(lending.repay, other, one, amount),
        )

    @rule(pick=PEOPLE, amount=SOME)
    def recall(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda reference: reference.recall(one, other, amount),
            self.said(lending.recall, one, other, amount),
        )

    @rule(pick=PEOPLE, amount=SOME)
    def forgive(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda reference: reference.forgive(one, other, amount),
            self.said(lending.forgive, one, other, amount),
        )

    def a_loan(self, pick: int) -> tuple[str, str]:
        """The two of an open loan, where there is one."""
        found = [(one.lender, one.borrower) for one in self.reference.loans if one.open]
        return found[pick % len(found)] if found else (self.someone(pick), self.someone(pick + 1))

    @rule(borrower=PEOPLE, lender=PEOPLE, amount=AMOUNTS)
    def borrow(self, borrower: int, lender: int, amount: int) -> None:
        one, other = self.someone(borrower), self.someone(lender)
        if one == other:
            return

        def run(session: Session) -> tuple[str, datetime]:
            asking.borrow(self.asks(session, one), who(session, other), amount)
            ask = session.exec(select(Ask).order_by(col(Ask.id).desc())).first()
            assert ask is not None
            return ask.code, ask.expires_at

        try:
            code, expires = self.database.transact(run)
        except Refusal:
            if not self.turning:
                with pytest.raises(Refused):
                    self.reference.copy().check_borrower(one, other, amount)
            return
        self.reference.copy().check_borrower(one, other, amount)
        self.asked.append((code, one, other, amount, expires))

    @precondition(lambda self: self.asked)
    @rule(pick=PEOPLE)
    def accept(self, pick: int) -> None:
        code, borrower, lender, amount, expires = self.asked.pop(pick % len(self.asked))
        if {borrower, lender} & self.reference.left:
            return

        def plan(reference: ReferenceLedger) -> None:
            if self.now < expires:
                reference.lend(lender, borrower, amount, asked=True)

        if self.turning and self.now >= expires:
            return  # "it is over" moves nothing
        self.attempt(plan, self.said(asking.accept, lender, code))
