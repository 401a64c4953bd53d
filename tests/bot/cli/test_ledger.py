"""The operator's story from end to end: show, grant, usage, tick, audit, export."""

import asyncio
import csv
import io
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bot.database import Database
from models.ledger.transfer import Cause
from models.policy import versions
from models.quota.loan import Loan
from models.quota.request import Request
from sandbox.slack.workspace import Person, Workspace
from tests.company import who
from tests.console import PEOPLE, POLICY, Operator

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()


pytestmark = pytest.mark.usefixtures("nothing_is_set")


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """An empty database of either kind."""
    if request.param == "sqlite":
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/quotabot.db")
    else:
        postgres: Database = request.getfixturevalue("postgres")
        url = postgres.engine.url.set(drivername="postgresql")
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    return Operator(tmp_path)


def next_month() -> date:
    return (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)


def test_the_whole_story_of_an_operator(either: Operator) -> None:
    assert "6 join" in either.says("people", "import", either.file("people.csv", PEOPLE))
    either.run("policy", "plan", either.file("policy.yaml", POLICY), code=3)
    assert "6 people" in either.says("policy", "apply")
    assert "nothing changes" in either.says("policy", "plan")

    day = TODAY.isoformat()
    usage = either.file("usage.csv", f"email,day,model,amount\nalice@corp.example,{day},gpt,3.25\n")
    assert either.says("usage", "import", usage) == "booked 3.25 USD from 1 rows of 1 people\n"
    assert either.says("usage", "import", usage) == "booked 0 USD from 1 rows of 1 people\n"
    either.run("grant", "ALICE@corp.example", "20.5", "--reason", "billing migration")
    alice = either.show("alice")
    assert {name: alice[name] for name in ("base", "available", "allocation", "top_ups", "used")} == {
        "base": "100", "available": "117.25", "allocation": "96.75", "top_ups": "20.5", "used": "3.25",
    }  # fmt: skip
    assert alice["entitlement"] == "120.5"

    then = next_month()
    either.run("tick", "--now", then.isoformat())
    later = either.show("alice")
    assert later["period"]["start"] == f"{then.isoformat()}T00:00:00+08:00"
    assert (later["available"], later["used"], later["used_total"]) == ("100", "0", "3.25")
    either.run("audit")
    assert {row["kind"] for row in either.rows("ledger")} >= {"allocate", "use", "grant", "expire", "fund"}
    assert either.rows("usage")[0]["amount"] == "3.25"
    assert len(either.says("people", "export").splitlines()) == 7


def test_show_has_every_key_and_plain_decimals(operator: Operator) -> None:
    found = operator.show("bob")
    assert list(found) == [
        "email", "name", "unit", "base", "available", "allocation", "top_ups", "borrowed", "overdraft", "lent", "owed",
        "owed_to_me", "used", "used_total", "entitlement", "limit", "period", "loans", "requests",
    ]  # fmt: skip
    assert (found["name"], found["unit"], found["base"], found["limit"]) == ("Bob", "USD", "500", None)
    assert datetime.fromisoformat(found["period"]["end"]) > datetime.fromisoformat(found["period"]["start"])
    assert operator.show("dan")["available"] == "0"
    assert "available    500" in operator.says("show", "bob@corp.example")


def test_show_tells_loans_and_requests_from_both_sides(operator: Operator) -> None:
    database, now = Database(os.environ["DATABASE_URL"]), datetime.now(UTC)

    def lend_and_ask(session) -> None:
        version, policy = versions.current(session)
        cause = Cause(now, "member:1", "test", policy=version)
        alice, carol = who(session, "alice"), who(session, "carol")
        Loan.make(session, lender=alice, borrower=carol, amount=30_000_000, policy=policy, cause=cause)
        Request.ask(session, alice, 50_250_000, reason="=1+1", until=date(2099, 1, 2), thread=None, smaller=None, policy=(version, policy), now=now)  # fmt: skip

    database.transact(lend_and_ask)
    database.close()
    day = TODAY.isoformat()
    operator.run(
        "usage", "import", operator.file("u.csv", f"email,day,model,amount\ncarol@corp.example,{day},m,110\n")
    )
    alice, carol = operator.show("alice"), operator.show("carol")
    assert (alice["lent"], alice["owed"], alice["owed_to_me"], alice["available"]) == ("30", "0", "10", "70")
    assert (carol["borrowed"], carol["owed"], carol["lent"]) == ("20", "10", "0")
    (given,), (taken,) = alice["loans"], carol["loans"]
    assert (given["role"], given["with"]) == ("lender", "carol@corp.example")
    assert (taken["role"], taken["with"], taken["id"]) == ("borrower", "alice@corp.example", given["id"])
    numbers = ("principal", "returned", "unspent", "used", "repaid", "forgiven", "owed")
    assert [given[name] for name in numbers] == ["30", "0", "20", "10", "0", "0", "10"]
    assert given["period"] == alice["period"]["start"]
    (asked,) = alice["requests"]
    assert (asked["amount"], asked["granted"], asked["state"]) == ("50.25", "0", "pending")
    assert (asked["approvers"], asked["decided_by"], asked["until"]) == (
        ["carol@corp.example"],
        None,
        "2099-01-02",
    )
    (loan,) = operator.rows("loans")
    assert (loan["lender"], loan["unspent"], loan["owed"]) == ("alice@corp.example", "20", "10")
    table = list(csv.DictReader(io.StringIO(operator.says("export", "requests"))))
    assert table[0]["reason"] == "'=1+1"
    assert table[0]["amount"] == "50.25"


def test_unknown_people_are_refused_in_one_line(operator: Operator) -> None:
    for words in (("show",), ("people", "leave"), ("grant", "--reason", "x", "nobody@corp.example", "5")):
        said = operator.fails(*words, *(() if "grant" in words else ("nobody@corp.example",)))
        assert said == "nobody has the e-mail nobody@corp.example"


# grant


def test_a_grant_lasts_to_the_end_of_its_day(operator: Operator) -> None:
    until = next_month() + timedelta(days=4)
    operator.run("grant", "alice@corp.example", "50", "--reason", "task", "--expires", until.isoformat())
    operator.run("tick", "--now", next_month().isoformat())
    assert operator.show("alice")["top_ups"] == "50"
    operator.run("tick", "--now", f"{until.isoformat()}T23:59:59")
    assert operator.show("alice")["top_ups"] == "50"
    operator.run("tick", "--now", (until + timedelta(days=1)).isoformat())
    assert operator.show("alice")["top_ups"] == "0"
    operator.run("audit")


def test_taking_takes_the_allocation_then_top_ups_and_never_more(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "20", "--reason", "first", "--expires", "2099-01-01")
    operator.run("grant", "alice@corp.example", "10", "--reason", "second")
    assert "holds 130 USD" in operator.fails("grant", "alice@corp.example", "-130.01", "--reason", "x")
    assert operator.show("alice")["available"] == "130"
    operator.run("grant", "alice@corp.example", "-105", "--reason", "x")
    alice = operator.show("alice")
    assert (alice["allocation"], alice["top_ups"]) == ("0", "25")
    operator.run("grant", "--reason", "x", "--", "alice@corp.example", "-25")
    assert operator.show("alice")["available"] == "0"
    assert {row["reason"] for row in operator.rows("ledger")} >= {"first", "second", "x"}
    operator.run("audit")


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("0", "there is nothing to move"), ("-0", "there is nothing to move"), ("nan", "no number"), ("1e3", "exponent"),
        ("0.0000001", "finer"), ("99999999999999", "too large"), ("½", "digits"), ("all", "give a number"), ("5-9", "range"),
        ("€5", "unit"),
    ],
)  # fmt: skip
def test_an_amount_that_is_none_moves_nothing(operator: Operator, amount: str, why: str) -> None:
    before = operator.rows("ledger")
    assert why in operator.fails("grant", "alice@corp.example", "--reason", "x", "--", amount)
    assert operator.rows("ledger") == before


def test_a_grant_needs_a_reason_a_day_to_come_and_somebody_who_is_here(operator: Operator) -> None:
    operator.run("grant", "alice@corp.example", "5", code=2)
    operator.run("grant", "alice@corp.example", "5", "--reason", " ", code=2)
    operator.run("grant", "alice@corp.example", "5", "--reason", "x", "--expires", "soon", code=2)
    yesterday = (TODAY - timedelta(days=2)).isoformat()
    assert "is over" in operator.fails(
        "grant", "alice@corp.example", "5", "--reason", "x", "--expires", yesterday
    )
    operator.run("people", "leave", "alice@corp.example")
    assert "has left" in operator.fails("grant", "alice@corp.example", "5", "--reason", "x")


# usage


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("nobody@corp.example,2026-11-09,m,1", "nobody has the e-mail"), (",2026-11-09,m,1", "e-mail is missing"),
        ("bob@corp.example,9.11.,m,1", "no day"), ("bob@corp.example,2026-11-31,m,1", "no day"),
        ("bob@corp.example,2026-11-09,,1", "model is missing"), ("bob@corp.example,2026-11-09,m,", "amount"),
        ("bob@corp.example,2026-11-09,m,-1", "cumulative"), ("bob@corp.example,2026-11-09,m,NaN", "no number"),
        ("bob@corp.example,2026-11-09,m,0.0000001", "finer"), ("bob@corp.example,2026-11-09,m,1,many", "input_tokens"),
        ("bob@corp.example,2026-11-09,m,1,2,3,4", "more cells"), ('bob@corp.example,2026-11-09,"m,1', "line 3"),
    ],
)  # fmt: skip
def test_one_bad_row_of_usage_books_nothing(operator: Operator, row: str, why: str) -> None:
    good = "alice@corp.example,2026-11-09,m,5"
    file = operator.file("u.csv", f"email,day,model,amount,input_tokens,output_tokens\n{good}\n{row}\n")
    said = operator.fails("usage", "import", file)
    assert "line 3" in said
    assert why in said
    assert operator.show("alice")["used"] == "0"


def test_every_bad_row_is_named(operator: Operator) -> None:
    file = operator.file(
        "u.csv", "email,day,model,amount\nx@y.z,2026-11-09,m,1\nalice@corp.example,never,m,1\n"
    )
    said = operator.fails("usage", "import", file).splitlines()
    assert [line.split(":")[0] for line in said[:2]] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "header lacks"), (b"email,day\n", "header lacks model, amount"), (b"\xff\xfe\x00", "UTF-8"), (b"email,email,day,model,amount\n", "twice")],
)  # fmt: skip
def test_what_is_no_usage_file_is_refused(operator: Operator, content: bytes, why: str) -> None:
    assert why in operator.fails("usage", "import", operator.file("u.csv", content))


def test_usage_comes_in_any_order_in_gbk_and_only_what_is_new_counts(operator: Operator) -> None:
    head = "amount,EMAIL,day,model,注\n"
    first = operator.file("1.csv", f"{head}2.5, Alice@corp.example ,2026-11-09,混元,是\n".encode("gbk"))
    more = operator.file(
        "2.csv", f"﻿{head}4,alice@corp.example,2026-11-09,混元,\n3,alice@corp.example,2026-11-09,混元,\n"
    )
    operator.run("usage", "import", first)
    assert operator.says("usage", "import", more).startswith("booked 1.5 USD")
    assert operator.says("usage", "import", first).startswith("booked 0 USD")
    assert operator.rows("usage")[0]["model"] == "混元"


def test_late_usage_of_a_leaver_is_the_organisations(operator: Operator) -> None:
    operator.run("people", "leave", "alice@corp.example")
    operator.run(
        "usage",
        "import",
        operator.file("u.csv", "email,day,model,amount\nalice@corp.example,2026-11-09,m,7\n"),
    )
    assert (operator.show("alice")["used_total"], operator.show("alice")["available"]) == ("7", "0")
    operator.run("audit")


# tick, audit, export


def test_a_time_before_the_open_period_does_nothing(operator: Operator) -> None:
    before = operator.rows("ledger")
    assert "nothing to do" in operator.says("tick", "--now", "2020-01-01T00:00:00Z")
    assert operator.rows("ledger") == before


def test_missed_periods_are_closed_and_opened_one_by_one(operator: Operator) -> None:
    later = (next_month() + timedelta(days=70)).replace(day=1)
    operator.run("tick", "--now", later.isoformat())
    allocated = [row for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]
    assert len(allocated) == 4
    assert operator.show("alice")["available"] == "100"
    operator.run("tick", "--now", later.isoformat())
    assert len([row for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]) == 4
    operator.run("audit")


def test_a_time_without_an_offset_is_in_the_policys_zone(operator: Operator) -> None:
    start = next_month().isoformat()
    operator.run("tick", "--now", f"{start}T00:00:00Z")
    assert operator.show("alice")["period"]["start"].startswith(start)
    after = (next_month() + timedelta(days=40)).replace(day=1)
    operator.run("tick", "--now", f"{after - timedelta(days=1)}T23:59:59")
    assert operator.show("alice")["period"]["start"].startswith(start)
    operator.run("tick", "--now", f"{after}T00:00:00")
    assert operator.show("alice")["period"]["start"].startswith(after.isoformat())
    operator.run("tick", "--now", "someday", code=2)


async def test_what_is_to_be_said_leaves_the_machine_only_when_it_may(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--now` only the ledger moves, also where a messenger is configured; with `--deliver`, or now, it is said."""

    def tick(*words: str) -> str:
        return operator.says("tick", *words)

    more = operator.file("p.yaml", POLICY.replace("amount: 100", "amount: 120"))
    await asyncio.to_thread(operator.run, "policy", "apply", more, "--tell")
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    people = [
        Person(f"U0{n}", name, name.title())
        for n, name in enumerate(("alice", "bob", "carol", "dan", "lee", "ops"), 1)
    ]
    async with Workspace(people=people) as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
        monkeypatch.setenv("SLACK_SIGNING_SECRET", "a-secret")
        await asyncio.to_thread(tick, "--now", soon)
        assert "chat.postMessage" not in [call.method for call in slack.calls]
        await asyncio.to_thread(tick, "--now", soon, "--deliver")
        assert [call.method for call in slack.calls].count("chat.postMessage") == 4
        await asyncio.to_thread(tick)
        assert [call.method for call in slack.calls].count("chat.postMessage") == 4


def test_audit_lists_what_is_off_and_exits_1(operator: Operator) -> None:
    assert "everything adds up" in operator.says("audit")
    database = Database(os.environ["DATABASE_URL"])
    database.transact(
        lambda session: (
            session.execute(text("UPDATE account SET balance = balance + 1 WHERE kind = 'allocation'"))
            and None
        )
    )
    database.close()
    said = operator.run("audit", code=1)
    assert "not true: a balance is the sum of its entries: row" in said.stderr
    assert json.loads(operator.run("audit", "--json", code=1).stdout)["wrong"]


def test_exports_begin_where_they_are_told(operator: Operator) -> None:
    assert len(operator.says("export", "ledger").splitlines()) > 1
    assert len(operator.says("export", "ledger", "--since", "2099-01-01").splitlines()) == 1
    assert operator.says("export", "usage", "--since", "2099-01-01", "--format", "jsonl") == ""
    operator.run("export", "ledger", "--since", "long ago", code=2)
    operator.run("export", "secrets", code=2)


def test_an_export_pages_through_everything_once(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = operator.says("export", "ledger")
    monkeypatch.setattr("models.reports.export.PAGE", 2)
    assert operator.says("export", "ledger") == whole
    rows = "".join(f"bob@corp.example,2026-11-0{n},{m},1\n" for n in (1, 2) for m in ("a", "b", "c"))
    operator.run("usage", "import", operator.file("u.csv", f"email,day,model,amount\n{rows}"))
    assert len(operator.rows("usage")) == 6
