"""`Loader`: objects of a table from rows of a `Statement`, in a write and in a look."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect
from sqlmodel import Session

from bot.database import Database
from bot.look import WouldWrite
from models.db import Loader, partial_index
from models.people.member import Member
from models.statement import Statement
from tests.company import NOW

MEMBERS = Loader(Member)
ONE = Statement(f"SELECT {MEMBERS.columns('m')} FROM member m WHERE email = 'nina@corp.example'")


def nina(session: Session) -> Member:
    return MEMBERS.load(session, ONE.all(session)[0])


@pytest.fixture
def kept(database: Database) -> Database:
    given = Member(
        name="Nina",
        email="nina@corp.example",
        gateway_id="nina",
        joined_at=NOW,
        extra={"seat": "7"},
        no_asks=True,
    )
    database.transact(lambda session: session.add(given))
    return database


def test_an_object_is_loaded_once_with_its_types(kept: Database) -> None:
    def work(session: Session) -> tuple[object, ...]:
        found = nina(session)
        assert nina(session) is found
        return found.joined_at, found.extra, found.no_asks, found.left_at

    expected = (NOW, {"seat": "7"}, True, None)
    assert kept.transact(work) == kept.query(work) == expected


def test_a_change_of_a_loaded_object_is_written_or_the_look_would_write(kept: Database) -> None:
    def rename(session: Session) -> None:
        nina(session).name = "Olga"

    with pytest.raises(WouldWrite):
        kept.query(rename)
    kept.transact(rename)
    assert kept.query(lambda session: nina(session).name) == "Olga"


def test_a_table_builds_its_validator_when_somebody_asks_it() -> None:
    assert Member.model_config.get("defer_build")
    assert Member(name="Nina", email="nina@corp.example", joined_at=NOW).model_dump()["name"] == "Nina"


def test_a_partial_index_has_its_condition_on_each_database(database: Database) -> None:
    index = partial_index("ix_tried", "size", where="size > 7", unique=True)
    table = Table("tried", MetaData(), Column("size", Integer), index)
    table.create(database.engine)
    (found,) = inspect(database.engine).get_indexes("tried")
    table.drop(database.engine)
    assert found["unique"]
    (condition,) = (str(one) for name, one in found["dialect_options"].items() if name.endswith("_where"))
    assert condition.strip("()") == "size > 7"
