"""The ledger: a transfer is a promise that can be refused, a record is a fact; spend has an order; nothing is edited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending
from models.db import SqlFile, Statement
from models.ledger.account import Account, AccountKind, account_of, open_account, organisation
from models.ledger.spend import record
from models.ledger.transfer import Entry, Kind, Transfer, transfer
from models.quota.history import page
from models.refusal import InsufficientQuota
from tests.actions import DECEMBER, USD, balances, cause, gift, has, loan, say, sound, spend
from tests.company import NOW, who


def move(session: Session, usd: int) -> None:
    """From Alice's allocation back to the organisation."""
    source = account_of(session, AccountKind.ALLOCATION, who(session, "alice").id, NOW)
    transfer(
        session,
        Kind.CUT,
        usd * USD,
        source=source,
        target=organisation(session, AccountKind.ISSUED, NOW),
        cause=cause(),
    )


def test_a_transfer_moves_all_or_nothing(company: Database) -> None:
    before = balances(company)
    with pytest.raises(InsufficientQuota) as no:
        company.transact(lambda session: move(session, 101))
    assert (no.value.wanted, no.value.available) == (101 * USD, 100 * USD)
    assert balances(company) == before
    company.transact(lambda session: move(session, 100))
    assert has(company, "alice").allocation == 0
    sound(company)


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_than_nothing_cannot_be_moved(company: Database, amount: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        company.transact(lambda session: move(session, amount))


def test_a_transfer_to_itself_cannot_be_written_down(company: Database) -> None:
    def circle(session: Session) -> None:
        one = account_of(session, AccountKind.ALLOCATION, who(session, "alice").id, NOW)
        transfer(session, Kind.CUT, 1, source=one, target=one, cause=cause())

    with pytest.raises(IntegrityError):
        company.transact(circle)
    sound(company)


def test_both_entries_keep_the_balance_after(company: Database) -> None:
    company.transact(lambda session: move(session, 30))
    entries = company.transact(
        lambda session: session.exec(select(Entry).order_by(Entry.id.desc()).limit(2)).all()
    )
    assert {(one.amount, one.balance_after) for one in entries if one.amount < 0} == {(-30 * USD, 70 * USD)}
    assert sum(one.amount for one in entries) == 0


def test_every_transfer_says_who_why_and_by_which_message(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 5 * USD, "demo day")
    last = company.transact(
        lambda session: session.exec(select(Transfer).order_by(Transfer.id.desc())).first()
    )
    alice = company.transact(lambda session: who(session, "alice").id)
    assert (last.kind, last.actor, last.reason, last.policy) == ("lend", f"member:{alice}", "demo day", 1)
    assert last.cause.startswith("action")


def test_issued_is_the_only_source_without_a_floor(company: Database) -> None:
    def held(session: Session) -> int:
        return session.exec(select(Account.balance).where(Account.kind == AccountKind.ISSUED)).one()

    assert company.transact(held) == -(1000 + 2 * 500 + 9 * 100) * USD


def test_spend_takes_allocation_then_grants_by_end_then_loans_oldest_first_then_the_overdraft(
    company: Database,
) -> None:
    say(company, lending.lend, "alice", "bob", 10 * USD)
    say(company, lending.lend, "eve", "bob", 10 * USD)
    gift(company, "bob", 20, DECEMBER + timedelta(days=9))
    gift(company, "bob", 20, DECEMBER)
    seen = []
    for usd in (100, 20, 20, 10, 10, 10):
        spend(company, "bob", usd)
        wallet = has(company, "bob")
        ends = company.transact(
            lambda session: session.exec(
                select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP, Account.balance > 0)
            ).all()
        )
        left = wallet.allocation, wallet.top_ups, wallet.borrowed, wallet.overdraft
        seen.append((*(part // USD for part in left), len(ends), loan(company, "alice", "bob").used))
    assert seen == [
        (0, 40, 20, 0, 2, 0),
        (0, 20, 20, 0, 1, 0),
        (0, 0, 20, 0, 0, 0),
        (0, 0, 10, 0, 0, 10),
        (0, 0, 0, 0, 0, 10),
        (0, 0, 0, -10, 0, 10),
    ]
    sound(company)


def test_one_large_spend_runs_through_all_of_them(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 10 * USD)
    gift(company, "bob", 20)
    spend(company, "bob", 137.5)
    wallet = has(company, "bob")
    assert (wallet.available, wallet.overdraft, wallet.used) == (-7.5 * USD, -7.5 * USD, 137.5 * USD)
    assert wallet.entitlement == 130 * USD


def test_a_record_is_never_refused(company: Database) -> None:
    company.transact(lambda session: record(session, who(session, "dan").id, 2**50, cause=cause()))
    assert has(company, "dan").overdraft == -(2**50)
    sound(company)


def test_a_record_of_nothing_writes_nothing(company: Database) -> None:
    before = balances(company)
    company.transact(lambda session: record(session, who(session, "alice").id, 0, cause=cause()))
    assert balances(company) == before


def test_nobody_has_two_allocations(company: Database) -> None:
    with pytest.raises(IntegrityError):
        company.transact(
            lambda session: open_account(
                session, AccountKind.ALLOCATION, NOW, member_id=who(session, "alice").id
            )
        )


@pytest.mark.parametrize("owner", [{}, {"team": "payments"}])
def test_an_account_of_nobody_cannot_be_written_down(company: Database, owner: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        company.transact(lambda session: open_account(session, AccountKind.OVERDRAFT, NOW, **owner))


def test_a_statement_has_pages_without_gaps_newest_first(company: Database) -> None:
    for usd in (1, 2, 3, 4, 5):
        say(company, lending.lend, "alice", "bob", usd * USD, now=NOW + timedelta(minutes=usd))

    def pages(session: Session) -> list[int]:
        seen, before = [], 0
        while found := page(session, who(session, "alice").id, before=before, limit=2):
            seen += [-one.amount // USD for one in found]
            before = found[-1].id
        return seen

    assert company.transact(pages) == [5, 4, 3, 2, 1, -100]


def test_the_function_in_the_database_is_the_one_in_the_file(postgres: Database) -> None:
    """A change of the file needs a migration that creates the function anew."""
    source = Statement("SELECT prosrc FROM pg_proc WHERE proname = 'ledger_post'", row=str)
    body = SqlFile("models.ledger", "sql/ledger_post.sql").text("ledger_post").split("$$")[1]
    assert postgres.transact(source.all) == [body]
