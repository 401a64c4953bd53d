"""Gateway accounts looked up: which of them, of whom, at which gateway."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from models.metering.accounts import (
    accounts_by_id,
    accounts_of,
    accounts_of_members,
    change_rate,
    edited_accounts,
    every_account,
    shared_accounts,
)
from models.metering.gateway_account import GatewayAccount
from models.metering.model_list import ModelList
from models.metering.reading import Reading
from models.statement import MOST_VALUES
from tests.actions import USD, cause
from tests.company import NOW, who
from tests.models.metering.test_booking import RATE


def link(session: Session, number: str, name: str, gateway: str = "", spent: int = 0) -> GatewayAccount:
    return GatewayAccount.link(
        session, Reading(number, spent, None, NOW, gateway=gateway), who(session, name)
    )


def ids(rows: list[GatewayAccount]) -> list[str]:
    return [one.id for one in rows]


def test_a_gateway_narrows_down_and_what_is_gone_is_only_in_the_list_of_all(session: Session) -> None:
    for number, gateway in (("eu:1", "eu"), ("us:1", "us"), ("us:2", "us")):
        link(session, number, "alice", gateway)
    session.get_one(GatewayAccount, "us:2").gone = True
    session.flush()
    alice = who(session, "alice").id
    assert ids(accounts_of(session, alice)) == ["eu:1", "us:1"]
    assert ids(accounts_of(session, alice, "us")) == ["us:1"]
    assert ids(every_account(session, "us")) == ["us:1", "us:2"]


def test_shared_are_those_who_have_several_at_one_gateway(session: Session) -> None:
    for number, name, gateway in (
        ("1", "alice", ""),
        ("2", "alice", ""),
        ("3", "bob", ""),
        ("eu:4", "bob", "eu"),
    ):
        link(session, number, name, gateway)
    assert {one: ids(rows) for one, rows in shared_accounts(session, "").items()} == {
        who(session, "alice").id: ["1", "2"]
    }


def test_more_ids_than_one_statement_takes_are_all_found(session: Session) -> None:
    link(session, "first", "alice"), link(session, "last", "bob")
    many = ["first", "last", *(f"k{number}" for number in range(MOST_VALUES))]
    assert set(accounts_by_id(session, many)) == {"first", "last"}
    people = {who(session, "alice").id, who(session, "bob").id, *range(10**6, 10**6 + MOST_VALUES)}
    assert set(ids(accounts_of_members(session, people))) == {"first", "last"}


def test_another_rate_counts_from_here_and_books_nothing_twice(session: Session) -> None:
    one = link(session, "1", "alice")
    one.absorb(session, Reading("1", 9 * USD, None, NOW + timedelta(minutes=1)), RATE, cause())
    session.flush()
    change_rate(session)
    assert (one.origin, one.booked) == (9 * USD, 0)


def test_only_edited_limits_are_reported(session: Session) -> None:
    one = GatewayAccount.link(session, Reading("1", 0, 5, NOW), who(session, "alice"))
    one.confirm_write(100, 100, 0)
    one.absorb(session, Reading("1", 0, 300, NOW + timedelta(minutes=1)), RATE, cause())
    assert edited_accounts(session) == [], "one reading may be a write under way"
    one.absorb(session, Reading("1", 0, 300, NOW + timedelta(minutes=2)), RATE, cause())
    assert edited_accounts(session) == [one]
    assert edited_accounts(session, "eu") == []


def test_an_account_that_is_gone_is_no_second_one(session: Session) -> None:
    link(session, "1", "alice")
    link(session, "2", "alice").gone = True
    link(session, "eu:3", "alice", "eu")
    session.flush()
    assert shared_accounts(session, "") == {}
    link(session, "4", "alice")
    assert {ids(rows)[-1] for rows in shared_accounts(session, "").values()} == {"4"}


def test_an_edited_list_of_models_is_reported_as_well(session: Session) -> None:
    one, other = link(session, "1", "alice"), link(session, "2", "bob")
    one.keep_models(ModelList().begin(("cheap",)).confirm(("cheap",), ours=True, fallback=False))
    other.keep_models(one.model_list)
    one.keep_models(one.model_list.read(("gpt",)).read(("gpt",)))
    session.flush()
    assert edited_accounts(session) == [one]
