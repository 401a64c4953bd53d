"""`understand`."""

import json

import pytest

from tests.console import Operator


def test_each_line_gets_one_json_line_and_no_database_is_touched(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    lines = fresh.run("understand", typed="lend <@U02BOB> 50\n\nbalance\n").stdout.splitlines()
    assert len(lines) == 3
    lend = json.loads(lines[0])
    assert list(lend) == ["intent", "person", "amount", "reason", "until", "confidence"]
    assert (lend["intent"], lend["person"], lend["amount"], lend["reason"], lend["until"]) == (
        "lend",
        "U02BOB",
        "50",
        None,
        None,
    )
    assert json.loads(lines[2])["intent"] == "balance"
    fresh.run("understand", "--locale", "fr", code=2)


def test_an_amount_is_a_plain_decimal_and_a_day_is_one(fresh: Operator) -> None:
    typed = "lend <@U02BOB> 1.5k\n借给<@U02BOB> 三百块\nlend <@U02BOB> ½\nrequest 200 until 2030-12-15 demo\nyes\n"
    heard = [json.loads(line) for line in fresh.run("understand", typed=typed).stdout.splitlines()]
    assert [one["amount"] for one in heard] == ["1500", "300", None, "200", None]
    assert (heard[3]["until"], heard[3]["reason"], heard[4]["intent"]) == (
        "2030-12-15",
        "until 2030-12-15 demo",
        "none",
    )


def test_a_typed_name_is_printed_and_no_person(fresh: Operator) -> None:
    [line] = fresh.run("understand", typed="lend Bob Smith 50\n").stdout.splitlines()
    found = json.loads(line)
    assert (found["person"], found["name"], found["amount"]) == (None, "Bob Smith", "50")


def test_on_request_it_says_how_a_sentence_was_read(fresh: Operator) -> None:
    typed = "`lend <@U02BOB> 50`\n申請追加兩百\ngive @bob a hug\n"
    read = [
        json.loads(line)["explain"]
        for line in fresh.run("understand", "--explain", typed=typed).stdout.splitlines()
    ]
    assert [one["read"] for one in read] == ["lend <@U02BOB> 50", "申请追加两百", "give @bob a hug"]
    assert [one["step"] for one in read] == ["typed_command", "plain", "nothing"]
