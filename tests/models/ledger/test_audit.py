"""The audit: each thing that is off is found and named; a sound ledger has none, also in the middle of a close."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.database import Database
from handlers import lending, requests
from models.ledger.audit import CHECKS, audit
from models.migrations.tables import metadata
from models.quota.closing import advance, begin_turn
from tests.actions import DECEMBER, USD, ask_for, say, sound, spend, turn
from tests.company import who


def test_it_counts_what_it_added_up(company: Database) -> None:
    report = company.transact(audit)
    assert report.wrong == []
    assert list(report.counts) == ["member", "account", "transfer", "entry", "loan", "request"]
    assert report.counts["member"] == 12
    assert report.counts["entry"] == 2 * report.counts["transfer"] > 0


def test_a_rule_lists_at_most_so_many_rows(session: Session) -> None:
    session.execute(text("UPDATE entry SET account_id = (SELECT MAX(id) FROM account)"))
    rule = "an entry is an end of its transfer"
    for report, most in ((audit(session, most=3), 3), (audit(session), 20)):
        assert len([row for row in report.wrong if row[0] == rule]) == most


def test_what_is_off_is_named_with_its_figure(session: Session) -> None:
    session.execute(text("UPDATE account SET balance = balance + 7 WHERE kind = 'issued'"))
    assert [found for name, _, found in audit(session).wrong if name == "all accounts together are zero"] == [
        7
    ]


def test_every_piece_of_a_close_leaves_a_sound_ledger(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 170)
    spend(company, "alice", 90)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    sound(company)
    while company.transact(lambda session: advance(session, DECEMBER)):
        sound(company)


MISCHIEF = {
    "all accounts together are zero": "UPDATE account SET balance = balance + 1 WHERE kind = 'issued'",
    "a transfer has two entries that cancel out": "DELETE FROM entry WHERE id = (SELECT MAX(id) FROM entry)",
    "an entry is an end of its transfer": "UPDATE entry SET account_id = account_id + 1 WHERE id = 1",
    "a balance is the sum of its entries": "UPDATE account SET balance = balance - 1 WHERE kind = 'issued'",
    "a balance equals that of its last entry": "UPDATE entry SET balance_after = balance_after + 1 WHERE id = (SELECT MAX(id) FROM entry)",
    "forgiven debt has its rows": "UPDATE loan SET forgiven = 1",
    "the equations of every loan hold": "UPDATE loan SET forgiven = 1000000000",
    "a grant equals its decision": "UPDATE request SET granted = granted + 1 WHERE state = 'applied'",
    "a request without approval has no grant": "UPDATE request SET state = 'declined'",
    "an approval names its approver": "UPDATE request SET decided_by_id = NULL",
    "nothing borrowed or granted leaves by a loan": "UPDATE transfer SET kind = 'lend' WHERE kind = 'grant'",
    "a fallback is the sum of its transfers": "UPDATE allowance SET fallback = 1",
    "people who have left have nothing": "UPDATE member SET left_at = joined_at WHERE name = 'Alice'",
}


@pytest.mark.parametrize("name", MISCHIEF)
def test_what_is_off_is_found_and_named(sqlite_company: Database, name: str) -> None:
    say(sqlite_company, lending.lend, "alice", "bob", 50 * USD)
    spend(sqlite_company, "bob", 120)
    say(sqlite_company, requests.approve, "lee", ask_for(sqlite_company, "pia", 70))
    assert name in CHECKS
    sqlite_company.transact(
        lambda session: session.execute(text("DROP TRIGGER transfer_refuses_update")) and None
    )
    sqlite_company.transact(lambda session: session.execute(text(MISCHIEF[name])) and None)
    assert name in {found for found, _, _ in sqlite_company.transact(audit).wrong}


STRAY = {
    "entry": ("transfer_id", "an entry is an end of its transfer"),
    "transfer": ("source_id", "a transfer names what exists"),
    "active_agent": ("member_id", "usage is of a member"),
}


def test_what_names_nothing_is_found_where_no_key_refuses_it(postgres_company: Database) -> None:
    spend(postgres_company, "bob", 1)

    def stray(session: Session) -> None:
        for table, (place, _) in STRAY.items():
            columns = [one.name for one in metadata().tables[table].columns if one.name != "id"]
            said = ["1000000" if one == place else one for one in columns]
            session.execute(
                text(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(said)} FROM {table} LIMIT 1"
                )
            )

    postgres_company.transact(stray)
    found = {name for name, _, _ in postgres_company.transact(audit).wrong}
    assert found >= {rule for _, rule in STRAY.values()}


@pytest.mark.parametrize("table", ["account", "member", "period", "loan"])
def test_what_a_transfer_names_is_never_deleted(company: Database, table: str) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    with pytest.raises(IntegrityError):
        company.transact(lambda session: session.execute(text(f"DELETE FROM {table}")) and None)


def test_the_schema_refuses_what_the_audit_would_find(company: Database) -> None:
    """What can be written down as a constraint cannot happen at all."""
    for mischief in (
        "UPDATE account SET balance = -1 WHERE kind = 'allocation'",
        "UPDATE transfer SET amount = 0",
        "UPDATE transfer SET target_id = source_id",
        "UPDATE account SET kind = 'overdraft' WHERE kind = 'allocation' AND balance > 0",
    ):
        before = company.transact(audit)
        with pytest.raises(IntegrityError):
            company.transact(lambda session, sql=mischief: session.execute(text(sql)) and None)
        assert company.transact(audit) == before


def test_a_whole_month_is_sound(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "bob", 170)
    say(company, requests.approve, "carol", ask_for(company, "bob", 60))
    turn(company)
    sound(company)
    assert company.transact(lambda session: who(session, "bob").active)
