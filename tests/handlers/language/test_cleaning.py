"""What chat clients put around and between the words is taken away before they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.command import Person
from handlers.language.cleaning import LONGEST, clean
from handlers.language.understanding import number_of, understand

BOB = "<@U02BOB>"


@pytest.mark.parametrize(
    "text",
    [
        "`lend @@ 50`",
        "*lend* @@ **50**",
        "_lend_ @@ 50",
        "/quota lend @@ 50",
        ": lend @@ 50",
        "lend @@, 50",
        'lend @@ "50"',
        "lend\u200b @@ 50\u202c",
        "\u2066lend @@ 50\u2069",
        "\ufefflend @@ 50",
        "ｌｅｎｄ @@ ５０",
    ],
)
def test_a_cleaned_command_is_understood_and_confirmed(text: str) -> None:
    found = understand(text.replace("@@", BOB))
    assert (found.intent, found.person, number_of(found)) == ("lend", Person("U02BOB"), "50")
    assert found.confidence == "clear"


@pytest.mark.parametrize(
    "text", ["lend\u00a0@@\u00a050", "lend\u3000@@ 50", "lend  @@\t50\n", "lend @@ ５０"]
)
def test_odd_spaces_and_digits_alone_need_no_confirmation(text: str) -> None:
    assert understand(text.replace("@@", BOB)).confidence == "exact"


def test_traditional_chinese_is_read() -> None:
    assert (understand("申請追加兩百").intent, number_of(understand("申請追加兩百"))) == ("request", "200")
    assert understand(f"借給{BOB} 50").intent == "lend"
    assert understand("還剩多少額度").intent == "balance"


@pytest.mark.parametrize("text", [f'"lend {BOB} 50"', f"“lend {BOB} 50”", f"「借给{BOB} 50」"])
def test_a_quoted_sentence_may_be_the_words_of_somebody_else(text: str) -> None:
    assert understand(text).confidence == "unclear"


def test_the_reason_stays_as_it_was_written() -> None:
    assert understand("申請 200 為了做測試").reason == "做測試"
    assert understand("request 200 for the “big” `eval`").reason == "the “big” `eval`"


def test_a_hidden_character_inside_a_number_is_not_taken_away() -> None:
    assert number_of(understand(f"lend {BOB} 5\u200b0")) != "50"


@given(st.text(max_size=700))
def test_every_character_has_its_place(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.places) == len(cleaned.text)
    assert list(cleaned.places) == sorted(cleaned.places)
    assert not cleaned.places or cleaned.places[-1] < LONGEST
