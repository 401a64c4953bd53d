"""The ledger: a transfer moves all or nothing, says why, and is never edited."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending
from models.ledger.account import AccountKind, account_of, organisation
from models.ledger.transfer import Entry, Kind, Transfer, transfer
from models.refusal import InsufficientQuota
from models.statement import SqlFile, Statement
from tests.actions import USD, balances, cause, has, say, sound
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


@pytest.mark.parametrize("name", ["ledger_post", "ledger_post_all"])
def test_the_function_in_the_database_is_the_one_in_the_file(postgres: Database, name: str) -> None:
    """A change of the file needs a migration that creates the function anew."""
    source = Statement("SELECT prosrc FROM pg_proc WHERE proname = :name", row=str)
    body = SqlFile("models.ledger", "sql/ledger_post.sql").text(name).split("$$")[1]
    assert postgres.transact(lambda session: source.all(session, name=name)) == [body]
