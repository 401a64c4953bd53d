"""Run each command twice: in the database and in the reference ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from sqlmodel import Session

from bot.database import Database
from models.ledger.transfer import Cause
from models.refusal import Refusal
from tests.company import CAST, NOW, asks, who
from tests.laws.terms import SHANGHAI, TERMS
from tests.reference_ledger import ReferenceLedger, Refused


def month_after(moment: datetime) -> datetime:
    """Midnight in Shanghai on the first of the month that follows the one which begins at `moment`."""
    day = moment.astimezone(SHANGHAI).date()
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return datetime(following.year, following.month, 1, tzinfo=SHANGHAI).astimezone(UTC)


class LedgerMachine(RuleBasedStateMachine):
    """One company. Each rule is a command, given to the bot and to the reference ledger."""

    database: Database

    def __init__(self, fresh: Callable[[], Database]) -> None:
        super().__init__()
        self.database, self.now, self.number = fresh(), NOW, 0
        self.reference = ReferenceLedger(
            TERMS[0],
            month_after(NOW - timedelta(days=8)),
            payers={"pia": "payments", "quinn": "payments", "lee": "payments"},
        )
        for name in CAST:
            self.reference.settle(name, self.reference.terms.bases.get(name, self.reference.terms.bases["*"]))
        self.reference.fund()
        self.turning = False
        self.people = ["alice", "bob", "carol", "dan", "lee", "olga", "pia"]
        self.open: dict[str, tuple[str, int]] = {}
        self.granted: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str, str, int, datetime]] = []

    def teardown(self) -> None:
        self.database.close()

    def someone(self, index: int) -> str:
        here = [name for name in self.people if name not in self.reference.left]
        return here[index % len(here)]

    def attempt(
        self, plan: Callable[[ReferenceLedger], Any], real: Callable[[Session], Any], *, moves: bool = True
    ) -> Any:
        """Run a command in both: both succeed, or both refuse for the same reason."""
        after, expected, done = self.reference.copy(), None, None
        try:
            plan(after)
        except Refused as no:
            expected = str(no)
        try:
            done = self.database.transact(real)
            got = None
        except Refusal as no:
            got = type(no).__name__
        if self.turning and moves:
            assert got is not None, "quota moved while the month was closing"
            return None
        assert got == expected
        if got is None:
            self.reference = after
        return done if got is None else None

    def asks(self, session: Session, name: str) -> Any:
        self.number += 1
        return asks(session, name, self.now, f"key{self.number}")

    def said(self, handler: Callable[..., Any], name: str, *words: Any) -> Callable[[Session], Any]:
        """A command as a transaction; words that are names become members."""

        def run(session: Session) -> Any:
            looked_up = [who(session, word) if word in self.people else word for word in words]
            return handler(self.asks(session, name), *looked_up)

        return run

    def cause(self) -> Cause:
        self.number += 1
        return Cause(self.now, "admin", f"admin{self.number}")
