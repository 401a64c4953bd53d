"""A task grant for a team: each member gets a top-up that ends by itself."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from bot.database import Database
from models.messages.outbox import Effect
from tests.console import POLICY, Operator

SOON = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()


@pytest.fixture
def operator(fresh: Operator) -> Operator:
    fresh.settle(
        POLICY.replace("teams:\n", "teams:\n  - {name: product}\n  - {name: design, parent: product}\n")
    )
    return fresh


def test_each_member_of_a_team_gets_the_same_and_nobody_else(operator: Operator) -> None:
    said = operator.says(
        "grant", "--team", "Payments", "200", "--reason", "billing migration", "--expires", SOON
    )
    assert said.strip() == "gave 200 USD to each of 2 people of Payments: 400 USD"
    assert [operator.show(name)["top_ups"] for name in ("bob", "lee", "alice")] == ["200", "200", "0"]
    grants = [row for row in operator.rows("ledger") if row["kind"] == "grant"]
    assert {row["reason"] for row in grants} == {"billing migration"}
    assert "everything adds up" in operator.says("audit")


def test_a_team_above_others_reaches_the_people_below(operator: Operator) -> None:
    assert "3 people of product" in operator.says("grant", "--team", "product", "5", "--reason", "launch")


def test_a_team_grant_refuses_a_negative_amount_and_an_empty_team(operator: Operator) -> None:
    assert "nobody is in the team" in operator.fails("grant", "--team", "moon", "5", "--reason", "x")
    assert "one person at a time" in operator.fails("grant", "--team", "design", "-5", "--reason", "x")
    assert "is over" in operator.fails(
        "grant", "--team", "design", "5", "--reason", "x", "--expires", "2001-01-01"
    )
    operator.run("grant", "alice@corp.example", "5", "--team", "design", "--reason", "x", code=2)
    operator.run("grant", "5", "--reason", "x", code=2)


def test_a_grant_to_one_person_needs_no_team(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "5", "--reason", "x")
    operator.run("grant", "alice@corp.example", "-20", "--reason", "x")
    assert operator.show("alice")["available"] == "85"


def test_people_hear_of_a_grant_only_with_tell(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "5", "--reason", "quiet")
    assert said(operator) == []
    operator.run("grant", "--team", "payments", "200", "--reason", "*migration*", "--expires", SOON, "--tell")
    operator.run("grant", "alice@corp.example", "-20", "--reason", "by mistake", "--tell")
    to_bob, to_lee, to_alice = said(operator)
    assert "**$200.00**" in to_bob
    assert "可用至" in to_lee
    assert "\\*migration\\*" in to_bob
    assert "**$20.00** of your quota was taken back. You have $85.00 left" in to_alice
    assert "by mistake" in to_alice


def said(operator: Operator) -> list[str]:
    database = Database(os.environ["DATABASE_URL"])
    try:
        query = select(Effect).where(Effect.kind == "say").order_by(col(Effect.id))
        return [
            str(one.payload["message"]["text"])
            for one in database.transact(lambda session: list(session.exec(query).all()))
        ]
    finally:
        database.close()
