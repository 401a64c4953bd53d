"""Two years of a company, day by day, by the functions that `quotabot tick --now` calls; audited every month.

    python -m benchmarks.two_years [--people 300] [--seed 1] [--url DATABASE_URL]

Joiners, leavers, loans, requests, usage that comes late, policies changed at once and staged; printed as a table of months.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from bot.database import Database
from bot.migrate import migrate
from bot.worker import Worker
from models.ledger.audit import audit
from models.ledger.transfer import Cause
from models.messages.message import Message
from models.metering.usage import MemberUsage, book
from models.people.member import Address, Member
from models.policy import document, versions
from models.policy.document import Policy
from models.quota.allocation import welcome_all
from models.quota.approvers import Asked
from models.quota.closing import advance, open_first
from models.quota.leaving import leave
from models.quota.loan import Loan, loans_of
from models.quota.period import Period
from models.quota.policy_change import move_on
from models.quota.request import Request
from models.quota.request_state import OPEN
from models.refusal import Refusal
from models.reports.spending import EVERYBODY, by_team

START = datetime(2026, 1, 5, 4, tzinfo=UTC)
DAYS = 730
USD = 1_000_000
TEAMS = ("payments", "design", "search")
POLICY = """\
unit: USD
timezone: Asia/Shanghai
allocations:
  - {{match: {{employment: intern}}, amount: 20}}
  - {{match: {{team: payments}}, amount: {more}}}
  - {{match: {{}}, amount: {base}}}
carry_over: {{share: {carried}, cap: 50}}
teams: [{{name: payments, top_up_budget: 400}}]
"""


class Company:
    def __init__(self, database: Database, people: int, seed: int) -> None:
        self.database, self.dice, self.people = database, random.Random(seed), people
        self.now, self.hired, self.spent = START, 0, dict[tuple[int, date, str], int]()
        self.refused = 0

    def found(self) -> None:
        self.do(lambda session: self._hire(session, self.people))
        words = self._policy()
        version = self.database.transact(
            lambda session: versions.record_version(session, words, self.now, "ops")
        )
        self.database.transact(
            lambda session: open_first(session, self.now, version, document.parse(words)) and None
        )
        while self.database.transact(lambda session: advance(session, self.now)):
            pass

    def live(self, days: int, every: int) -> Iterator[dict[str, int | str]]:
        """Let `days` pass, `every` at a time; yields a row for each closed period."""
        open_id = self.database.transact(lambda session: Period.current(session).id)
        for _ in range(0, days, every):
            self.now += timedelta(days=every)
            self.tick()
            for event, odds in self._events():
                for _ in range(odds):
                    self.do(event)
            current = self.database.transact(lambda session: Period.current(session).id)
            if current != open_id:
                yield self.month(open_id)
                open_id = current

    def tick(self) -> None:
        at = self.now
        while self.database.transact(lambda session: move_on(session, at)):
            pass
        asyncio.run(Worker(self.database, lambda: at, {}, _no_page).tick(at))

    def do(self, event: Callable[[Session], object]) -> None:
        try:
            self.database.transact(lambda session: event(session) and None)
        except Refusal:
            self.refused += 1

    def month(self, period_id: int) -> dict[str, int | str]:
        """Totals of a closed period, and whether its books add up."""

        def read(session: Session) -> dict[str, int | str]:
            period = session.get_one(Period, period_id)
            whole = next(
                line
                for line in by_team(session, period, self.now)
                if line.team == EVERYBODY and not line.model
            )
            wrong = audit(session).wrong
            if wrong:
                raise AssertionError(f"{period.starts_at:%Y-%m-%d}: {wrong}")
            names = ("allocation", "used", "lent", "granted", "expired")
            sums = {name: int(getattr(whole, name)) // USD for name in names}
            return {
                "from": f"{period.starts_at + timedelta(days=1):%Y-%m-%d}",
                "people": whole.people,
                **sums,
                "audit": "clean",
            }

        return self.database.transact(read)

    # What may happen

    def _events(self) -> list[tuple[Callable[[Session], object], int]]:
        busy = max(1, self.people // 10)
        return [
            (self._use, 3 * busy),
            (self._lend, busy),
            (self._settle, 1),
            (self._ask, 1),
            (self._approve, 1),
            (
                lambda session: self._hire(session, self.dice.randint(1, max(1, self.people // 30))),
                self.dice.random() < 0.2,
            ),
            (self._lose, self.dice.random() < 0.2),
            (self._change, self.dice.random() < 0.06),
        ]

    def _policy(self) -> str:
        return POLICY.format(
            more=self.dice.randint(15, 40) * 10,
            base=self.dice.randint(6, 14) * 10,
            carried=self.dice.choice((0, 0, 0.3)),
        )

    def _cause(self, actor: str = "admin") -> Cause:
        return Cause(self.now, actor, f"{actor}:{self.dice.getrandbits(60)}")

    def _rules(self, session: Session) -> Policy:
        current = versions.current(session)
        assert current is not None
        return current[1]

    def _some(self, session: Session, count: int) -> list[Member]:
        ids = session.exec(
            select(Member.id).where(col(Member.left_at).is_(None)).order_by(col(Member.id))
        ).all()
        return [session.get_one(Member, one) for one in self.dice.sample(ids, count)]

    def _hire(self, session: Session, count: int) -> None:
        boss = session.exec(
            select(Member.id).where(col(Member.left_at).is_(None)).order_by(col(Member.id)).limit(1)
        ).first()
        for number in range(self.hired, self.hired + count):
            email = f"p{number}@corp.example"
            kind = "intern" if number % 9 == 0 else "employee"
            session.add(
                Member(name=f"P{number}", email=email, gateway_id=email, team=TEAMS[number % 3], employment=kind, manager_id=boss, joined_at=self.now)
            )  # fmt: skip
        self.hired += count
        session.flush()
        joined = session.exec(select(Member.id).order_by(col(Member.id).desc()).limit(count)).all()
        for member_id in joined:
            address = f"slack:U{member_id}"
            session.add(Address(address=address, messenger="slack", member_id=member_id, seen_at=self.now))
        welcome_all(session, joined, self.now)

    def _lose(self, session: Session) -> None:
        leave(session, self._some(session, 1)[0], self.now)

    def _use(self, session: Session) -> None:
        # Late and repeated figures: one time in five a day of last week, one in ten the same day twice.
        member, model = self._some(session, 1)[0], self.dice.choice(("hunyuan", "deepseek", "qwen"))
        late = self.dice.randint(1, 9) if self.dice.random() < 0.2 else 0
        key = (member.id, (self.now - timedelta(days=late)).date(), model)
        self.spent[key] = self.spent.get(key, 0) + self.dice.randint(1, 40 * USD)
        reading = MemberUsage(*key, self.spent[key])
        zone = self._rules(session).zone
        for _ in range(1 + (self.dice.random() < 0.1)):
            book(session, [reading], zone=zone, cause=self._cause("gateway"))

    def _lend(self, session: Session) -> None:
        lender, borrower = self._some(session, 2)
        amount = self.dice.randint(1, 40) * USD
        Loan.make(
            session,
            lender=lender,
            borrower=borrower,
            amount=amount,
            policy=self._rules(session),
            cause=self._cause(),
        )

    def _settle(self, session: Session) -> None:
        open_loans = session.exec(
            select(Loan).where(col(Loan.closed_at).is_(None)).order_by(col(Loan.id))
        ).all()
        if not open_loans:
            return
        loan = self.dice.choice(open_loans)
        lender, borrower = session.get_one(Member, loan.lender_id), session.get_one(Member, loan.borrower_id)
        sums = next(sums for one, sums in loans_of(session, borrower.id) if one.id == loan.id)
        act = Loan.recall if sums.unspent else Loan.forgive
        act(session, lender=lender, borrower=borrower, amount=None, cause=self._cause())

    def _ask(self, session: Session) -> None:
        member, amount = self._some(session, 1)[0], self.dice.randint(1, 20) * 10 * USD
        current = versions.current(session)
        assert current is not None
        Request.ask(
            session,
            member,
            amount,
            reason="work",
            until=None,
            thread=None,
            smaller=None,
            policy=current,
            now=self.now,
        )

    def _approve(self, session: Session) -> None:
        request = session.exec(
            select(Request).where(col(Request.state).in_(OPEN)).order_by(col(Request.id)).limit(1)
        ).first()
        asked = request and session.exec(select(Asked).where(Asked.request_id == request.id).limit(1)).first()
        if request and asked:
            boss = session.get_one(Member, asked.member_id)
            request.approve(session, boss, None, policy=self._rules(session), live=False, cause=self._cause())

    def _change(self, session: Session) -> None:
        day = (self.now + timedelta(days=self.dice.choice((0, 3, 12, 40)))).date()
        # A policy for today also waits for the next tick.
        versions.record_version(session, self._policy(), self.now - timedelta(days=2), "ops", day)


async def _no_page(_: str) -> Message:
    raise AssertionError("nothing is published without a messenger")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="days between two ticks")
    parser.add_argument("--url")
    words = parser.parse_args()
    database = Database(words.url or f"sqlite:///{Path(tempfile.mkdtemp())}/two_years.db")
    migrate(database.engine)
    company = Company(database, words.people, words.seed)
    company.found()
    for number, row in enumerate(company.live(DAYS, words.every)):
        if not number:
            print("  ".join(f"{name:>10}" for name in row))
        print("  ".join(f"{value:>10}" for value in row.values()), flush=True)
    print(f"refused by the rules: {company.refused}")
    database.close()


if __name__ == "__main__":
    main()
