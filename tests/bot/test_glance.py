"""A glance gives what the whole way gives, and leaves to it whatever is not as expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from bot.database import Database
from bot.glance import Glance, glance
from handlers import lending
from models.people.member import Member
from models.reports.member import find, overview
from tests.actions import USD
from tests.company import asks, who

ALICE = "alice@corp.example"


def shown(session: Glance | Session) -> dict[str, object] | None:
    found = find(session, ALICE)
    return overview(session, found) if found else None


def url(database: Database) -> str:
    return database.engine.url.set(drivername=database.engine.dialect.name).render_as_string(
        hide_password=False
    )


def test_it_shows_what_the_whole_way_shows(company: Database) -> None:
    company.transact(
        lambda session: lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD) and None
    )
    found = glance(url(company), shown)
    assert found is not None
    assert (found["lent"], found["limit"]) == ("10", None)
    assert found == company.query(shown)
    assert found == company.query(lambda session: overview(session, Member.at(session, "slack:U01ALICE")))


def test_nobody_is_nobody(company: Database) -> None:
    assert glance(url(company), lambda session: find(session, "nobody@corp.example")) is None


def test_another_schema_and_a_statement_that_fails_are_left_to_the_whole_way(sqlite: Database) -> None:
    assert glance(url(sqlite), lambda _: 7) == 7
    assert glance(url(sqlite), lambda session: session.connection.execute("DELETE FROM member")) is None
    sqlite.transact(
        lambda session: session.execute(text("UPDATE alembic_version SET version_num = '0001'")) and None
    )
    assert glance(url(sqlite), lambda _: 7) is None


@pytest.mark.parametrize(
    "address", ["sqlite:///{folder}/absent.db", "sqlite://", "sqlite:///:memory:", "mysql://h/db", "nonsense", "postgresql://127.0.0.1:1/db"]
)  # fmt: skip
def test_what_is_not_at_hand_is_not_made(address: str, tmp_path: Path) -> None:
    assert glance(address.format(folder=tmp_path), lambda _: 7) is None
    assert list(tmp_path.iterdir()) == []
