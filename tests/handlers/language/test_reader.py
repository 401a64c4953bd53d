"""Reading is total: adapters read before anything could answer, so whatever is written becomes a Command."""

from __future__ import annotations

from datetime import date

from hypothesis import example, given
from hypothesis import strategies as st

from handlers.language.reader import read_command

ODD = '\u200b\u202e\ufeff\u00a0\u3000\ud800\0½²٣①１Ａ借请還<@>|`*_"“\ue000\ue001🙂'
WORDS = st.sampled_from(
    ["lend", "request", "申请", "借给", "<@U02BOB>", "50", "until", "for", "in", "999", "months", "99月", "99号", "30 Feb", "AB12", "通过", "?", "，", "history", "yes", *ODD]
)  # fmt: skip


@given(
    st.text(max_size=60)
    | st.text(st.sampled_from(ODD), max_size=40)
    | st.lists(WORDS, max_size=14).map(" ".join)
)
@example("history " + "9" * 17)
@example("申请 200 用到9999年12月31日")
@example("x" * 5000)
def test_whatever_is_written_becomes_a_command(text: str) -> None:
    for today in (date(2026, 11, 25), date.max, date.min):
        found = read_command(text, today)
        assert found.intent
        assert today != date(2026, 11, 25) or found.intent != "unread"


def test_a_sentence_that_breaks_the_reader_says_where_and_keeps_its_words_out_of_it() -> None:
    found = read_command("request 200 for 3 weeks secret", date.max)
    assert (found.intent, found.text) == ("unread", "request 200 for 3 weeks secret")
    assert found.reason.startswith("OverflowError in dates.py:")


def test_only_a_code_is_taken_for_the_code_of_an_answer() -> None:
    found = {
        text: read_command(text, date(2026, 11, 25))
        for text in ("no thanks", "yes please", "no 7KQ2", "yes 7kq2")
    }
    assert [(one.intent, one.code) for one in found.values()] == [
        ("no", ""),
        ("yes", ""),
        ("no", "7KQ2"),
        ("yes", "7KQ2"),
    ]
