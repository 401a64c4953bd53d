"""How much of what people write is read right: the issue's examples, and sentences of somebody who never saw the grammar.

`p` is the person mentioned or the name typed, `a` the amount, `b` marks what must be asked back, `alt` other right intents.
"""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.language.classifier import WEIGHTS, Classifier, classifier
from handlers.language.cleaning import clean
from handlers.language.sentence import Sentence
from handlers.language.understanding import MOVES, number_of, understand
from tests.examples import FACTOR
from tests.handlers.language import corpus
from tests.handlers.language.measure import Row, score
from tests.handlers.language.train import digest, fitted

WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("rows", "intents", "slots", "reach"),
    [
        pytest.param(corpus.labelled("given.jsonl"), 0.95, 0.95, 0.95, id="the issue's examples"),
        pytest.param(corpus.held_out(), 0.94, 0.93, 0.96, id="never looked at"),
        pytest.param(
            corpus.part("personas.jsonl", held_out=True), 0.88, 0.87, 0.96, id="personas, never looked at"
        ),
    ],
)
def test_most_of_what_people_write_is_read_right(
    rows: list[Row], intents: float, slots: float, reach: float
) -> None:
    found = score(rows)
    assert found.wrong == 0
    assert found.intent >= intents
    assert found.slots >= slots
    assert found.reach >= reach


def test_whatever_must_be_asked_back_is_not_exact() -> None:
    for row in corpus.labelled("given.jsonl"):
        if row.get("b"):
            assert not understand(row["t"], today=WEDNESDAY).exact, row["t"]


@given(st.lists(st.sampled_from(corpus.PIECES), max_size=60).map("".join))
def test_no_amount_is_read_that_the_rules_do_not_know(text: str) -> None:
    number = number_of(understand(text, today=WEDNESDAY))
    assert number is None or (float(number) > 0 and float(number) * 1_000_000 <= 2**53 * 1_000_000)


def test_the_weights_are_small_and_know_every_intent() -> None:
    assert WEIGHTS.stat().st_size <= 300_000
    assert sorted(classifier().features) == classifier().features
    assert set(classifier().intents) >= MOVES | {
        "balance",
        "loans",
        "history",
        "team",
        "help",
        "lang",
        "none",
    }


def test_the_weights_are_those_of_the_corpus() -> None:
    data = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    assert data["corpus"] == digest(corpus.training()), "make train"


@pytest.mark.hypothesis
@pytest.mark.skipif(FACTOR == 1, reason="fitting takes half a minute of processor: make explore does it")
def test_fitting_again_gives_the_same_weights() -> None:
    pytest.importorskip("sklearn", reason="pip install scikit-learn")
    here, there = classifier(), Classifier(fitted())
    for row in corpus.labelled("given.jsonl"):
        sentence = Sentence.read(clean(row["t"]), WEDNESDAY)
        (intent, sure), (again, as_sure) = here.ranked(sentence)[0], there.ranked(sentence)[0]
        assert abs(sure - as_sure) < 0.02
        assert intent == again or sure < 0.5
