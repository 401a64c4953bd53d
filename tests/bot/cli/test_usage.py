"""`usage import`."""

import json
import sqlite3

import pytest

from tests.console import TODAY, Operator


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("nobody@corp.example,2026-11-09,m,1", "nobody has the e-mail"), (",2026-11-09,m,1", "e-mail is missing"),
        ("bob@corp.example,9.11.,m,1", "no day"), ("bob@corp.example,2026-11-31,m,1", "no day"),
        ("bob@corp.example,2026-11-09,,1", "model is missing"), ("bob@corp.example,2026-11-09,m,", "amount"),
        ("bob@corp.example,2026-11-09,m,-1", "cumulative"), ("bob@corp.example,2026-11-09,m,NaN", "no number"),
        ("bob@corp.example,2026-11-09,m,1e300", "amount"), ("bob@corp.example,2199-01-01,m,1", "lies in the future"),
        ("bob@corp.example,2026-11-09,m,-0.0000001", "cumulative"), ("bob@corp.example,2026-11-09,m,1,many", "input_tokens"),
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
def test_a_file_that_is_not_a_usage_file_is_refused(operator: Operator, content: bytes, why: str) -> None:
    assert why in operator.fails("usage", "import", operator.file("u.csv", content))


def test_usage_in_any_order_and_in_gbk_counts_once(operator: Operator) -> None:
    head = "amount,EMAIL,day,model,注\n"
    first = operator.file("1.csv", f"{head}2.5, Alice@corp.example ,2026-11-09,混元,是\n".encode("gbk"))
    more = operator.file(
        "2.csv", f"﻿{head}4,alice@corp.example,2026-11-09,混元,\n3,alice@corp.example,2026-11-09,混元,\n"
    )
    operator.run("usage", "import", first)
    assert operator.says("usage", "import", more).startswith("booked 1.5 USD")
    assert operator.says("usage", "import", first).startswith("booked 0 USD")
    assert operator.rows("usage")[0]["model"] == "混元"


def test_late_usage_of_a_leaver_is_paid_by_the_organisation(operator: Operator) -> None:
    operator.run("people", "leave", "alice@corp.example")
    operator.run(
        "usage",
        "import",
        operator.file("u.csv", "email,day,model,amount\nalice@corp.example,2026-11-09,m,7\n"),
    )
    assert (operator.show("alice")["used_total"], operator.show("alice")["available"]) == ("7", "0")
    operator.run("audit")


def test_floats_as_gateways_write_them_are_rounded_up_to_the_micro_unit(operator: Operator) -> None:
    rows = "alice@corp.example,2026-11-09,a,0.30000000000000004\nalice@corp.example,2026-11-09,b,1.2e-05\nalice@corp.example,2026-11-09,c,1e-07\n"
    file = operator.file("u.csv", f"email,day,model,amount\n{rows}")
    assert operator.says("usage", "import", file).startswith("booked 0.300014 USD")
    assert operator.says("usage", "import", file).startswith("booked 0 USD")


def test_the_spellings_of_a_model_are_one_and_their_usage_is_added_up(operator: Operator) -> None:
    head, who = "email,day,model,amount\n", "alice@corp.example,2026-11-09"
    operator.run("usage", "import", operator.file("1.csv", f"{head}{who},GPT-4o ,5\n"))
    both = operator.file("2.csv", f"{head}{who},gpt-4O,4\n{who},GPT-4o,3\n{who},GPT-4o,2\n")
    assert operator.says("usage", "import", both).startswith("booked 2 USD")
    assert [(row["model"], row["amount"]) for row in operator.rows("usage")] == [("gpt-4o", "7")]


def test_days_before_the_open_period_are_told(operator: Operator) -> None:
    file = operator.file("u.csv", "email,day,model,amount\nalice@corp.example,2020-01-05,m,5\n")
    said = operator.says("usage", "import", file)
    assert "1 row is of days before the open period" in said
    assert operator.show("alice")["used"] == "5"


def test_an_import_tells_of_levels_and_surges_once(operator: Operator) -> None:
    day = TODAY.isoformat()
    for amount in (90, 90, 91):
        rows = f"email,day,model,amount\nalice@corp.example,{day},opus,{amount}\n"
        operator.run("usage", "import", operator.file("u.csv", rows))
    with sqlite3.connect(operator.folder / "quotabot.db") as database:
        (said,) = [row[0] for row in database.execute("SELECT payload FROM effect WHERE kind = 'say'")]
    text = json.loads(said)["message"]["text"]
    assert "was booked for you in the last 60 minutes" in text
    assert "90%" in text
