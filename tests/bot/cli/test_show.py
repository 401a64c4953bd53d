"""`show`, from both sides of a loan and a request."""

import csv
import io
import os
from datetime import UTC, date, datetime

from bot.database import Database
from models.ledger.transfer import Cause
from models.policy import versions
from models.quota.loan import Loan
from models.quota.request import Request
from tests.company import who
from tests.console import TODAY, Operator


def test_show_has_every_key_and_plain_decimals(operator: Operator) -> None:
    found = operator.show("bob")
    assert list(found) == [
        "email", "name", "unit", "base", "available", "allocation", "top_ups", "borrowed", "overdraft", "lent", "owed",
        "owed_to_me", "used", "used_total", "entitlement", "fallback", "limit", "period", "loans", "requests",
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


def test_show_takes_a_name_that_one_colleague_has(operator: Operator) -> None:
    assert operator.says("show", "Alice", "--json") == operator.says("show", "alice@corp.example", "--json")
    assert "nobody here" in operator.fails("show", "Nobody")
    two = operator.file("two.csv", "name,email\nAlice,alice2@corp.example\n")
    operator.run("people", "import", two)
    said = operator.fails("show", "alice")
    assert "alice@corp.example" in said
    assert "alice2@corp.example" in said
