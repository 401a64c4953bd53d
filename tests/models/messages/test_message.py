"""What people typed is kept on one line without keys, and pings nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.message import REASON, Button, Chart, Message, clean, escape


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  load \n test\t", "load test"),
        ("my key is sk-abcdefgh12345678", "my key is sk-•••"),
        ("password=hunter2!", "password=•••"),
        ("密码：hunter2", "密码：•••"),
        ("soft\xadhyphen \u3164filler\u115f \u061cmark", "softhyphen filler mark"),
        ("z\u0301\u0301\u0301\u0301\u0301\u0301algo", "z\u0301\u0301\u0301algo"),
        ("two\u2028lines", "two lines"),
        ("zero\u200bwidth \u202eback", "zerowidth back"),
        ("x" * 400, "x" * (REASON - 1) + "…"),
    ],
)
def test_a_reason_is_one_line_without_controls_and_keys(typed: str, kept: str) -> None:
    assert clean(typed) == kept


@given(st.text())
def test_a_cleaned_reason_stays_as_it_is(typed: str) -> None:
    assert clean(clean(typed)) == clean(typed)
    assert len(clean(typed)) <= REASON


@pytest.mark.parametrize("typed", ["<!channel>", "@here", "<@U01ALICE>", "@everyone", "< !subteam"])
def test_an_escaped_mention_pings_nobody(typed: str) -> None:
    assert not set("<>") & set(escape(typed))
    assert "@here" not in escape(typed)
    assert "@everyone" not in escape(typed)


def test_escaped_markdown_is_shown_literally() -> None:
    assert escape("*bold* [link](x)") == r"\*bold\* \[link\]\(x\)"


def test_a_message_survives_json() -> None:
    said = Message(
        text="a", title="b", facts=(("c", "d"),), buttons=(Button("Yes", "confirm.yes", "K7Q2"),),
        chart=Chart("e", (("f", 1.5, "$1.50"),)), footnote="g", preview="h", parts=(Message(text="i"),), locale="zh",
    )  # fmt: skip
    assert Message.from_json(said.as_json()) == said
