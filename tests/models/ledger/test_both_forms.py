"""Each rule of the ledger has a form for one and a form for many: both give the same books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, or_, select

from bot.database import Database
from models.ledger.account import Account, AccountKind, account_of, open_account, organisation
from models.ledger.overdraft import (
    LISTED,
    RANGE,
    clear_overdraft,
    clear_overdrafts,
    fill_overdraft,
    fill_overdrafts,
)
from models.ledger.spend import record, record_all
from models.ledger.transfer import Cause, Entry, Kind, Transfer, post_all, transfer
from models.people.member import Member
from models.quota.loan import Loan
from models.quota.period import Period
from tests.company import NOW, who
from tests.examples import FACTOR

LATER = NOW + timedelta(hours=1)
CAUSE = Cause(LATER, "gateway", "form", "opus", 1)

amounts = st.integers(1, 40)
few = settings(max_examples=10 * FACTOR, suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = count(1)


class Twin:
    """A member made for one example; two twins have the same accounts, opened in the same order."""

    def __init__(self, session: Session) -> None:
        self.session, number = session, next(_numbers)
        email = f"twin{number}@corp.example"
        self.member = Member(name=f"Twin {number}", email=email, gateway_id=email, joined_at=NOW)
        session.add(self.member)
        session.flush()
        self.id = self.member.id

    def own(self, kind: AccountKind) -> int:
        return account_of(self.session, kind, self.id, NOW)

    def give(self, account: int, amount: int) -> None:
        issued = organisation(self.session, AccountKind.ISSUED, NOW)
        if amount:
            transfer(self.session, Kind.ALLOCATE, amount, source=issued, target=account, cause=CAUSE)

    def owe(self, amount: int) -> None:
        if amount:
            used, overdraft = self.own(AccountKind.USED), self.own(AccountKind.OVERDRAFT)
            transfer(self.session, Kind.USE, amount, source=overdraft, target=used, cause=CAUSE)

    def top_ups(self, them: Sequence[tuple[int, int]]) -> None:
        """(amount, days it lasts)"""
        for amount, days in them:
            ends = NOW + timedelta(days=days)
            self.give(
                open_account(self.session, AccountKind.TOP_UP, NOW, member_id=self.id, ends_at=ends), amount
            )

    def borrow(self, them: Sequence[int]) -> None:
        for amount, lender in zip(them, ("alice", "bob", "carol"), strict=False):
            account = open_account(self.session, AccountKind.LOAN, NOW, member_id=self.id)
            period, giver = Period.current(self.session).id, who(self.session, lender).id
            ends = {"lender_id": giver, "borrower_id": self.id, "period_id": period}
            self.session.add(Loan(account_id=account, made_at=NOW, **ends))
            self.session.flush()
            self.give(account, amount)

    def books(self) -> dict[str, Any]:
        """Everything that moved, with the twin's own accounts and loans by their place, and without ids."""
        self.session.flush()
        mine = self.session.exec(
            select(Account.id).where(Account.member_id == self.id).order_by(Account.id)
        ).all()
        place = {account: f"{number}" for number, account in enumerate(mine)}
        loans = self.session.exec(select(Loan.id).where(Loan.borrower_id == self.id).order_by(Loan.id)).all()
        touching = or_(col(Transfer.source_id).in_(mine), col(Transfer.target_id).in_(mine))
        moved = self.session.exec(select(Transfer).where(touching).order_by(Transfer.id)).all()
        entries = self.session.exec(select(Entry).where(Entry.member_id == self.id).order_by(Entry.id)).all()
        balances = self.session.exec(
            select(Account.balance).where(Account.member_id == self.id).order_by(Account.id)
        )
        return {
            "transfers": [
                (
                    one.kind, one.amount, place.get(one.source_id), place.get(one.target_id),
                    loans.index(one.loan_id) if one.loan_id else None, one.at, one.actor, one.cause, one.reason, one.policy,
                )
                for one in moved
            ],
            "entries": [(place[one.account_id], one.amount, one.balance_after, one.at) for one in entries],
            "balances": list(balances.all()),
        }  # fmt: skip


def same_books(
    company: Database,
    prepare: Callable[[Twin], Any],
    one: Callable[[Session, Twin, Any], None],
    many: Callable[[Session, Twin, Any], None],
) -> None:
    def run(session: Session) -> None:
        books = []
        for form in (one, many):
            twin = Twin(session)
            form(session, twin, prepare(twin))
            session.expire_all()
            books.append(twin.books())
        assert books[0] == books[1]

    company.transact(run)


# Posting


@few
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), amounts), max_size=12))
def test_transfers_one_by_one_and_all_at_once(company: Database, moves: list[tuple[int, int, int]]) -> None:
    held, possible = [60] * 4, []
    for giver, taker, amount in moves:
        part = min(amount, held[giver])
        if giver != taker and part:
            held[giver], held[taker] = held[giver] - part, held[taker] + part
            possible.append((giver, taker, part))

    def prepare(twin: Twin) -> list[int]:
        twin.top_ups([(60, 9)] * 4)
        query = select(Account.id).where(Account.member_id == twin.id).order_by(col(Account.id))
        return list(twin.session.exec(query).all())

    def one(session: Session, _: Twin, accounts: list[int]) -> None:
        for giver, taker, amount in possible:
            transfer(session, Kind.GRANT, amount, source=accounts[giver], target=accounts[taker], cause=CAUSE)

    def many(session: Session, _: Twin, accounts: list[int]) -> None:
        rows = [
            f"SELECT 'grant' AS kind, {amount} AS amount, {accounts[giver]} AS source_id, {accounts[taker]} AS target_id, "
            "CAST(NULL AS BIGINT) AS loan_id"
            for giver, taker, amount in [*possible, (0, 1, 0)]  # nothing is moved for nobody
        ]
        assert post_all(session, " UNION ALL ".join(rows), CAUSE) == len(possible)

    same_books(company, prepare, one, many)


def test_a_job_that_crosses_a_floor_posts_nothing(company: Database) -> None:
    def cross(session: Session) -> None:
        twin = Twin(session)
        account, issued = twin.own(AccountKind.ALLOCATION), organisation(session, AccountKind.ISSUED, NOW)
        moves = f"SELECT 'cut' AS kind, 1 AS amount, {account} AS source_id, {issued} AS target_id, CAST(NULL AS BIGINT) AS loan_id"
        post_all(session, moves, CAUSE)

    before = company.transact(lambda session: session.exec(select(Transfer.id)).all())
    with pytest.raises(Exception, match="floor"):
        company.transact(cross)
    assert company.transact(lambda session: session.exec(select(Transfer.id)).all()) == before


# Spend


@few
@given(
    allocation=st.integers(0, 50),
    top_ups=st.lists(st.tuples(amounts, st.integers(1, 3)), max_size=3),
    loans=st.lists(amounts, max_size=3),
    debt=st.integers(0, 1),
    spends=st.lists(amounts, min_size=1, max_size=6),
)
def test_spends_one_by_one_and_all_at_once(
    company: Database,
    allocation: int,
    top_ups: list[tuple[int, int]],
    loans: list[int],
    debt: int,
    spends: list[int],
) -> None:
    own = allocation or top_ups or loans

    def prepare(twin: Twin) -> None:
        twin.own(AccountKind.USED), twin.own(AccountKind.OVERDRAFT)
        twin.give(twin.own(AccountKind.ALLOCATION), allocation)
        twin.top_ups(top_ups)
        twin.borrow(loans)
        twin.owe(0 if own else debt)

    def one(session: Session, twin: Twin, _: None) -> None:
        for amount in spends:
            record(session, twin.id, amount, cause=CAUSE)

    def many(session: Session, twin: Twin, _: None) -> None:
        rows = [
            f"SELECT {twin.id} AS member_id, {amount} AS amount, CAST(NULL AS {_time(session)}) AS at, 'opus' AS reason, {sum(spends[:place])} AS since"
            for place, amount in enumerate(spends)
        ]
        record_all(session, " UNION ALL ".join(rows), CAUSE)

    same_books(company, prepare, one, many)


def test_accounts_that_spend_needs_are_opened_by_both_forms(company: Database) -> None:
    def run(session: Session) -> None:
        kinds = []
        for form in (0, 1):
            twin = Twin(session)
            if form:
                rows = f"SELECT {twin.id} AS member_id, 5 AS amount, CAST(NULL AS {_time(session)}) AS at, 'opus' AS reason, 0 AS since"
                record_all(session, rows, CAUSE)
            else:
                record(session, twin.id, 5, cause=CAUSE)
            query = (
                select(Account.kind, Account.balance)
                .where(Account.member_id == twin.id)
                .order_by(Account.kind)
            )
            kinds.append(session.exec(query).all())
        assert kinds[0] == kinds[1] == [("overdraft", -5), ("used", 5)]

    company.transact(run)


def _time(session: Session) -> str:
    return "TIMESTAMPTZ" if session.get_bind().dialect.name == "postgresql" else "TEXT"


# Overdrafts


@few
@given(
    debt=st.integers(0, 100),
    allocation=st.integers(0, 50),
    top_ups=st.lists(st.tuples(amounts, st.integers(1, 3)), max_size=3),
    loans=st.lists(amounts, max_size=2),
    listed=st.booleans(),
)
def test_overdrafts_are_filled_one_by_one_and_all_at_once(
    company: Database,
    debt: int,
    allocation: int,
    top_ups: list[tuple[int, int]],
    loans: list[int],
    listed: bool,
) -> None:
    def prepare(twin: Twin) -> None:
        twin.owe(debt)
        twin.give(twin.own(AccountKind.ALLOCATION), allocation)
        twin.top_ups(top_ups)
        twin.borrow(loans)

    def many(session: Session, twin: Twin, _: None) -> None:
        if listed:
            fill_overdrafts(session, LISTED, CAUSE, ids=f"[{twin.id}, 0]")
        else:
            fill_overdrafts(session, RANGE, CAUSE, lo=twin.id - 1, hi=twin.id)

    same_books(
        company, prepare, lambda session, twin, _: fill_overdraft(session, twin.id, CAUSE) and None, many
    )


@pytest.mark.parametrize("debt", [0, 7])
@pytest.mark.parametrize("left", [False, True])
def test_a_leavers_overdraft_is_cleared_by_both_forms(company: Database, left: bool, debt: int) -> None:
    def prepare(twin: Twin) -> None:
        twin.owe(debt)
        twin.member.left_at = NOW if left else None
        twin.session.flush()

    def one(session: Session, twin: Twin, _: None) -> None:
        clear_overdraft(session, twin.id, CAUSE)
        assert _overdraft(session, twin) == (0 if left else -debt)

    def many(session: Session, twin: Twin, _: None) -> None:
        clear_overdrafts(session, LISTED, CAUSE, ids=f"[{twin.id}]")

    same_books(company, prepare, one, many)


def _overdraft(session: Session, twin: Twin) -> int:
    query = text(
        "SELECT COALESCE(SUM(balance), 0) FROM account WHERE kind = 'overdraft' AND member_id = :member"
    )
    return int(session.connection().execute(query, {"member": twin.id}).scalar_one())
