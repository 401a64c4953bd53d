"""Run each command twice: in the database and in the reference ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from sqlmodel import Session

from bot.database import Database
from handlers.context import Context
from models.ledger.transfer import Cause
from models.refusal import Refusal
from tests.company import CAST, NOW, asks, who
from tests.laws.terms import SHANGHAI, TERMS, USD
from tests.reference_directory import ReferenceDirectory
from tests.reference_ledger import ReferenceLedger
from tests.reference_terms import Refused


def month_after(moment: datetime) -> datetime:
    """Midnight in Shanghai on the first of the month that follows the one which begins at `moment`."""
    day = moment.astimezone(SHANGHAI).date()
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return datetime(following.year, following.month, 1, tzinfo=SHANGHAI).astimezone(UTC)


FIRST_DAY = datetime(2026, 11, 1, tzinfo=SHANGHAI).astimezone(UTC)


@dataclass
class Granted:
    """`deciders`: who decided, and in whose place; after a grant by the policy, who was asked."""

    requester: str
    code: str
    deciders: set[str]
    heard: set[str]


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
        self.reference.starts = FIRST_DAY
        self.directory = ReferenceDirectory(
            {name: row[1] for name, row in CAST.items()},
            {name: row[2] for name, row in CAST.items()},
            owners={"payments": ["lee", "olga"], "engineering": ["olga"]},
            fallback=["cfo"],
            manager_ceiling=500 * USD,
            owner_ceiling=5000 * USD,
            starts=self.reference.starts,
        )
        self.turning = False
        self.people = ["alice", "bob", "carol", "dan", "lee", "olga", "pia"]
        self.granted: list[Granted] = []
        self.untils: dict[str, date | None] = {}
        self.asked: list[tuple[str, str, str, int, datetime]] = []

    def teardown(self) -> None:
        self.database.close()

    def someone(self, index: int) -> str:
        here = [name for name in self.people if name not in self.reference.left]
        return here[index % len(here)]

    def anybody(self, index: int) -> str:
        """Also approvers who ask for nothing themselves."""
        here = [name for name in (*self.people, "cfo", "eve") if name not in self.reference.left]
        return here[index % len(here)]

    def ctx(self, session: Session) -> Context:
        """A context as the clock's jobs get it."""
        self.number += 1
        found = Context.of(session, self.now, f"clock{self.number}")
        assert found is not None
        return found

    def days_left(self) -> tuple[int, int]:
        """Days left of the open period, today included, and its length."""
        ends = self.reference.ends
        left = (ends.astimezone(SHANGHAI).date() - self.now.astimezone(SHANGHAI).date()).days
        whole = (ends - timedelta(days=1)).astimezone(SHANGHAI).day
        return max(0, left) if self.now < ends else 0, whole

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
