"""What is always true, over random histories of every command that moves quota (document.md, 9).

`tests/reference_ledger.py` predicts each balance and each refusal; after every step the database must agree to the last unit,
and the audit must find nothing. A refused command must have changed nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlmodel import Session, col, select

from bot.database import Database
from handlers import lending, requests
from handlers.clock import grants
from handlers.context import Context
from models.ledger.account import AccountKind, organisation
from models.ledger.audit import audit
from models.ledger.transfer import Cause
from models.metering.usage import Reading, book
from models.people.member import Address, Member
from models.policy import document, versions
from models.policy.calendar import end_of_day
from models.quota import closing
from models.quota.allocation import adjust, take_allocation, welcome_all
from models.quota.ask import Ask
from models.quota.grant import top_up
from models.quota.leaving import leave
from models.quota.period import Period
from models.quota.pool import fit_pools
from models.quota.request import Request, open_request
from models.quota.wallet import wallet_of
from models.refusal import Refusal
from tests.company import CAST, NOW, POLICY, asks, settle_company, who
from tests.reference_ledger import Plain, Refused, Terms

USD = 1_000_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = {
    "alice": "carol",
    "bob": "carol",
    "dan": "carol",
    "pia": "lee",
    "carol": "olga",
    "lee": "olga",
    "olga": "cfo",
}
LEAVERS = ("alice", "bob", "dan", "pia")

AMOUNTS = st.sampled_from(
    [1, 333_333, 5 * USD, 19_999_999, 20 * USD, 40 * USD, 80 * USD, 100 * USD, 450 * USD]
)
SOME = st.one_of(st.none(), AMOUNTS)
PEOPLE = st.integers(0, 6)


def policy_text(terms: Terms) -> str:
    usd = {name: Decimal(amount) / USD for name, amount in terms.bases.items()}
    written = (
        POLICY.replace("amount: 500", f"amount: {usd['pia']}")
        .replace("amount: 100\n", f"amount: {usd['*']}\n")
        .replace("top_up_budget: 1000", f"top_up_budget: {Decimal(terms.budget) / USD}")
    )
    return written + (
        f"lending: {{keep_share: {terms.keep}, max_open_as_borrower: {terms.most_loans}, "
        f"max_borrowed_share: {terms.borrowed}, repay_share: {terms.repay}}}\n"
        f"carry_over: {{share: {terms.carry}{'' if terms.cap is None else f', cap: {Decimal(terms.cap) / USD}'}}}\n"
    )


def terms_of(base: int, engineer: int, budget: int, **more: Any) -> Terms:
    return Terms({"*": base, "pia": engineer, "quinn": engineer, "dan": 0}, budget, **more)


TERMS = (
    terms_of(100 * USD, 500 * USD, 1000 * USD),
    terms_of(
        100 * USD, 500 * USD, 1000 * USD, carry=Decimal("0.333333"), keep=Decimal("0.1"), repay=Decimal("0.3")
    ),
    terms_of(33_333_333, 60 * USD, 50 * USD, carry=Decimal(1), cap=7 * USD, most_loans=1),
    terms_of(
        250 * USD,
        90 * USD,
        0,
        keep=Decimal(0),
        borrowed=Decimal("0.5"),
        repay=Decimal(1),
        carry=Decimal("0.5"),
    ),
    terms_of(0, 1, 2000 * USD, keep=Decimal(1)),
)


def month_after(moment: datetime) -> datetime:
    """Midnight in Shanghai on the first of the month that follows the one which begins at `moment`."""
    day = moment.astimezone(SHANGHAI).date()
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return datetime(following.year, following.month, 1, tzinfo=SHANGHAI).astimezone(UTC)


class Laws(RuleBasedStateMachine):
    """One town; each rule is a command, said to the bot and to the plain model alike."""

    database: Database

    def __init__(self, fresh: Callable[[], Database]) -> None:
        super().__init__()
        self.database, self.now, self.number = fresh(), NOW, 0
        self.plain = Plain(
            TERMS[0],
            month_after(NOW - timedelta(days=8)),
            payers={"pia": "payments", "quinn": "payments", "lee": "payments"},
        )
        for name in CAST:
            self.plain.settle(name, self.plain.terms.bases.get(name, self.plain.terms.bases["*"]))
        self.plain.fund()
        self.turning = False
        self.people = ["alice", "bob", "carol", "dan", "lee", "olga", "pia"]
        self.open: dict[str, tuple[str, int]] = {}
        self.granted: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str, str, int, datetime]] = []

    def teardown(self) -> None:
        self.database.close()

    # Saying the same to both

    def someone(self, index: int) -> str:
        here = [name for name in self.people if name not in self.plain.left]
        return here[index % len(here)]

    def attempt(
        self, plan: Callable[[Plain], Any], real: Callable[[Session], Any], *, moves: bool = True
    ) -> Any:
        """Do it in both worlds: both say yes, or both the same no."""
        after, expected, done = self.plain.copy(), None, None
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
            self.plain = after
        return done if got is None else None

    def asks(self, session: Session, name: str) -> Any:
        self.number += 1
        return asks(session, name, self.now, f"key{self.number}")

    def said(self, handler: Callable[..., Any], name: str, *words: Any) -> Callable[[Session], Any]:
        """A command, with people looked up where a word is a name."""

        def run(session: Session) -> Any:
            looked_up = [who(session, word) if word in self.people else word for word in words]
            return handler(self.asks(session, name), *looked_up)

        return run

    def cause(self) -> Cause:
        self.number += 1
        return Cause(self.now, "admin", f"admin{self.number}")

    # Between colleagues

    @rule(lender=PEOPLE, borrower=PEOPLE, amount=SOME)
    def lend(self, lender: int, borrower: int, amount: int | None) -> None:
        one, other = self.someone(lender), self.someone(borrower)
        self.attempt(
            lambda plain: plain.lend(one, other, amount), self.said(lending.lend, one, other, amount)
        )

    @rule(lender=PEOPLE, borrower=PEOPLE, amount=SOME)
    def lend_again(self, lender: int, borrower: int, amount: int | None) -> None:
        self.lend(lender, borrower, amount)

    @rule(pick=PEOPLE, amount=SOME)
    def repay(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda plain: plain.repay(other, one, amount), self.said(lending.repay, other, one, amount)
        )

    @rule(pick=PEOPLE, amount=SOME)
    def recall(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda plain: plain.recall(one, other, amount), self.said(lending.recall, one, other, amount)
        )

    @rule(pick=PEOPLE, amount=SOME)
    def forgive(self, pick: int, amount: int | None) -> None:
        one, other = self.a_loan(pick)
        self.attempt(
            lambda plain: plain.forgive(one, other, amount), self.said(lending.forgive, one, other, amount)
        )

    def a_loan(self, pick: int) -> tuple[str, str]:
        """The two of an open loan, where there is one."""
        found = [(one.lender, one.borrower) for one in self.plain.loans if one.open]
        return found[pick % len(found)] if found else (self.someone(pick), self.someone(pick + 1))

    @rule(borrower=PEOPLE, lender=PEOPLE, amount=AMOUNTS)
    def borrow(self, borrower: int, lender: int, amount: int) -> None:
        one, other = self.someone(borrower), self.someone(lender)
        if one == other:
            return

        def run(session: Session) -> tuple[str, datetime]:
            lending.borrow(self.asks(session, one), who(session, other), amount)
            ask = session.exec(select(Ask).order_by(col(Ask.id).desc())).first()
            assert ask is not None
            return ask.code, ask.expires_at

        try:
            code, expires = self.database.transact(run)
        except Refusal:
            if not self.turning:
                with pytest.raises(Refused):
                    self.plain.copy().check_borrower(one, other, amount)
            return
        self.plain.copy().check_borrower(one, other, amount)
        self.asked.append((code, one, other, amount, expires))

    @precondition(lambda self: self.asked)
    @rule(pick=PEOPLE)
    def accept(self, pick: int) -> None:
        code, borrower, lender, amount, expires = self.asked.pop(pick % len(self.asked))
        if {borrower, lender} & self.plain.left:
            return

        def plan(plain: Plain) -> None:
            if self.now < expires:
                plain.lend(lender, borrower, amount)

        if self.turning and self.now >= expires:
            return  # "it is over" moves nothing
        self.attempt(plan, self.said(lending.accept, lender, code))

    # To the manager

    @rule(person=PEOPLE, amount=AMOUNTS, days=st.sampled_from([None, 0, 2, 40]))
    def request(self, person: int, amount: int, days: int | None) -> None:
        name = self.someone(person)
        until = None if days is None else self.now.astimezone(SHANGHAI).date() + timedelta(days=days)

        def run(session: Session) -> str:
            requests.request(self.asks(session, name), amount, "", until)
            found = open_request(session, who(session, name).id)
            assert found is not None
            return found.code

        code = self.attempt(lambda plain: None, run)
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
            lambda session: self.found(session, code).less_for(500 * USD if decider != "cfo" else None)
        )
        if shown:
            self.decide(name, code, decider, shown, self.said(requests.approve_less, decider, code))

    @staticmethod
    def found(session: Session, code: str) -> Request:
        return session.exec(select(Request).where(Request.code == code)).one()

    def decide(self, name: str, code: str, decider: str, amount: int, real: Callable[[Session], Any]) -> None:
        until = self.database.transact(lambda session: self.found(session, code).until)

        def plan(plain: Plain) -> None:
            if decider != FIRST[name]:
                raise Refused("UnknownCode")
            if decider != "cfo" and amount > 500 * USD:
                raise Refused("OverCeiling")
            plain.grant(name, amount, end_of_day(until, SHANGHAI) if until else plain.ends, code)

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
        assert self.attempt(lambda plain: None, real, moves=False) is not None
        del self.open[name]

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE)
    def revoke(self, pick: int) -> None:
        code, decider = self.granted[pick % len(self.granted)]
        self.attempt(lambda plain: plain.revoke(code), self.said(requests.revoke, decider, code))

    @precondition(lambda self: self.granted)
    @rule(pick=PEOPLE)
    def decide_again(self, pick: int) -> None:
        """The second click on a decided request."""
        code, decider = self.granted[pick % len(self.granted)]

        def plan(_: Plain) -> None:
            raise Refused("AlreadyDecided")

        self.attempt(plan, self.said(requests.approve, decider, code, 1))

    # The organisation and the clock

    @rule(person=PEOPLE, amount=AMOUNTS, days=st.integers(0, 40))
    def gift(self, person: int, amount: int, days: int) -> None:
        if self.turning:
            return
        name, ends = self.someone(person), self.now + timedelta(days=days)

        def run(session: Session) -> None:
            issued = organisation(session, AccountKind.ISSUED, self.now)
            top_up(session, who(session, name).id, amount, source=issued, ends_at=ends, cause=self.cause())

        self.attempt(lambda plain: plain.gift(name, amount, ends), run)

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

        self.attempt(lambda plain: plain.take(name, amount), run)

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
            reading = Reading(who(session, name).id, day, model, total)
            book(session, [reading] * (2 if again else 1), zone=SHANGHAI, cause=self.cause())

        self.attempt(lambda plain: plain.meter(name, str(day), model, total), run)

    @rule(person=st.integers(0, 30), total=AMOUNTS)
    def more_usage(self, person: int, total: int) -> None:
        name = self.people[person % len(self.people)]
        known = sum(n for (one, _, _), n in self.plain.read.items() if one == name)
        self.usage(person, f"m{known}", 0, total, False)

    @rule(hours=st.sampled_from([1, 30, 100]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def end_grants(self) -> None:
        def plan(plain: Plain) -> None:
            if self.now < plain.ends:
                plain.end_grants(self.now)

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

        self.attempt(lambda plain: plain.change(terms), run)

    @precondition(lambda self: len(self.people) < 9 and not self.turning)
    @rule(engineer=st.booleans())
    def join(self, engineer: bool) -> None:
        name, team = f"new{len(self.people)}", "payments" if engineer else "design"
        starts = self.plain.ends - timedelta(days=1)
        whole = starts.astimezone(SHANGHAI).day
        today = self.now.astimezone(SHANGHAI).date()
        left = (
            max(0, (self.plain.ends.astimezone(SHANGHAI).date() - today).days)
            if self.now < self.plain.ends
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
            self.plain.payers[name] = "payments"
        base = self.plain.terms.bases["*"]
        self.attempt(lambda plain: plain.settle(name, base, (left, whole)), run)

    @precondition(lambda self: not self.turning and len(self.plain.left) < 2)
    @rule(person=PEOPLE)
    def leave(self, person: int) -> None:
        here = [name for name in LEAVERS if name not in self.plain.left]
        name = here[person % len(here)]
        self.attempt(
            lambda plain: plain.leave(name), lambda session: leave(session, who(session, name), self.now)
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
        self.now = max(self.now, self.plain.ends + timedelta(hours=late))
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
                self.plain.turn(month_after(self.plain.ends))
                self.turning = False
                return

    # What is always true

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.database.transact(audit).wrong == []

    @invariant()
    def every_balance_is_as_predicted(self) -> None:
        if not self.turning:
            assert self.database.transact(picture) == self.plain.picture()

    @invariant()
    def entitlement_is_what_came_in_less_what_went_out(self) -> None:
        own, wallets = self.database.transact(came_and_went)
        assert own == {member: wallet.entitlement for member, wallet in wallets.items()}
        assert all(wallet.available == wallet.entitlement - wallet.used for wallet in wallets.values())


def picture(session: Session) -> dict[str, Any]:
    """The database in the shape of `Plain.picture`, read with queries of our own."""
    names = dict(session.execute(text("SELECT id, email FROM member")).all())  # type: ignore[arg-type]
    name = {number: email.split("@")[0] for number, email in names.items()}
    seen: dict[str, Any] = {
        "issued": 0,
        "expired": 0,
        "alloc": {},
        "over": {},
        "used": {},
        "top_ups": [],
        "pools": {},
    }
    short = {"allocation": "alloc", "overdraft": "over", "used": "used"}
    for kind, member, team, period, balance in session.execute(
        text("SELECT kind, member_id, team, period_id, balance FROM account WHERE balance <> 0")
    ):
        if kind in short:
            seen[short[kind]][name[member]] = balance
        elif kind == "top_up":
            seen["top_ups"].append((name[member], balance))
        elif kind == "pool":
            seen["pools"][team, period] = balance
        elif kind != "loan":
            seen[kind] = balance
    seen["top_ups"].sort()
    return seen | loans(session, name)


def loans(session: Session, name: dict[int, str]) -> dict[str, Any]:
    sums = {
        (loan, kind): int(amount)
        for loan, kind, amount in session.execute(
            text(
                "SELECT loan_id, kind, SUM(amount) FROM transfer WHERE loan_id IS NOT NULL GROUP BY loan_id, kind"
            )
        )
    }
    rows = session.execute(
        text("SELECT id, lender_id, borrower_id, forgiven, closed_at FROM loan ORDER BY id")
    ).all()
    kinds = ("lend", "return", "use", "repay")
    return {
        "loans": [
            (
                name[row.lender_id],
                name[row.borrower_id],
                *(sums.get((row.id, kind), 0) for kind in kinds),
                row.forgiven,
            )
            for row in rows
        ],
        "open": [i for i, row in enumerate(rows) if row.closed_at is None],
    }


def came_and_went(session: Session) -> tuple[dict[int, int], dict[int, Any]]:
    """From the transfers alone: in from others less out to others, other than by use."""
    ids = [row.id for row in session.execute(text("SELECT id FROM member"))]
    own = dict.fromkeys(ids, 0)
    for amount, giver, taker in session.execute(
        text(
            "SELECT SUM(t.amount), s.member_id, g.member_id FROM transfer t JOIN account s ON s.id = t.source_id "
            "JOIN account g ON g.id = t.target_id GROUP BY s.member_id, g.member_id"
        )
    ):
        if giver != taker:
            if giver is not None:
                own[giver] -= int(amount)
            if taker is not None:
                own[taker] += int(amount)
    return own, {member: wallet_of(session, member) for member in ids}


@pytest.fixture(scope="session")
def settled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("laws") / "settled.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.close()
    return path


@pytest.fixture
def copies(settled: Path, tmp_path: Path) -> Callable[[], Database]:
    def fresh() -> Database:
        path = tmp_path / "laws.db"
        for old in tmp_path.glob("laws.db*"):
            old.unlink()
        shutil.copy(settled, path)
        return Database(f"sqlite:///{path}")

    return fresh


def histories(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        database=None,
        print_blob=False,
        phases=(Phase.generate,),
    )


def test_no_history_breaks_a_law(copies: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)  # so that a step has several pieces
    run_state_machine_as_test(partial(Laws, copies), settings=histories(30, 30))


def test_no_history_breaks_a_law_on_postgres(
    postgres: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)
    names = ", ".join(f'"{row}"' for row in postgres.transact(tables))

    def fresh() -> Database:
        database = Database(postgres_url)
        database.transact(
            lambda session: session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE")) and None
        )
        settle_company(database)
        return database

    run_state_machine_as_test(partial(Laws, fresh), settings=histories(4, 20))


def tables(session: Session) -> list[str]:
    return [
        row[0]
        for row in session.execute(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
        )
    ]
