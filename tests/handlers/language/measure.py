"""How much of what people write is read right. `python -m tests.handlers.language.measure` prints the table of docs/language.md.

--templates   the same without the classifier
--by-writer   colleagues.jsonl, each writer read with weights fitted to the two others (needs scikit-learn)
--misses      what was read wrong, except of what is held out
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from handlers.command import Command
from handlers.conversation import one_tap
from handlers.language.amounts import is_everything
from handlers.language.classifier import Classifier, classifier
from handlers.language.cleaning import clean
from handlers.language.guess import candidates
from handlers.language.reader import prepare
from handlers.language.sentence import Sentence
from handlers.language.understanding import MOVES, number_of, printed, understand
from tests.handlers.language import corpus

UNSEEN = "colleagues_unseen.jsonl"
"""Other sentences of the same writers: nobody looks at them."""
WEDNESDAY = date(2026, 11, 25)
Row = dict[str, Any]


def read(row: Row, *, guesses: bool = True) -> Command:
    return understand(row["t"], today=WEDNESDAY, guesses=guesses)


def right_intent(row: Row, found: Command) -> bool:
    return printed(found)["intent"] in (row["i"], *row.get("alt", []))


def right_slots(row: Row, found: Command) -> bool:
    shown = printed(found)
    everything = found.amount is not None and row.get("a") == "all" and is_everything(found.amount)
    right = everything or row.get("a", shown["amount"]) == shown["amount"]
    named = shown["person"] or shown.get("name")
    return right_intent(row, found) and right and row.get("p", named) == named


def acts_wrongly(row: Row, found: Command) -> bool:
    """Whether something would move at once that was not meant."""
    return found.exact and found.intent in MOVES and not right_slots(row, found)


def is_reached(row: Row, found: Command) -> bool:
    """Whether the right thing is understood, or one of the three buttons leads to it."""
    offered = one_tap(candidates(Sentence.read(clean(row["t"]), WEDNESDAY)))
    return right_intent(row, found) or bool(offered & {row["i"], *row.get("alt", [])})


@dataclass(frozen=True)
class Score:
    """Shares of 1, and how many sentences would have moved something that was not meant."""

    rows: int
    intent: float
    slots: float
    reach: float
    wrong: int


def score(rows: list[Row], *, guesses: bool = True) -> Score:
    found = [(row, read(row, guesses=guesses)) for row in rows]
    asked = [pair for pair in found if pair[0]["i"] != "none"]
    return Score(
        len(rows),
        sum(right_intent(*pair) for pair in found) / len(found),
        sum(right_slots(*pair) for pair in found) / len(found),
        sum(is_reached(*pair) for pair in asked) / len(asked),
        sum(acts_wrongly(*pair) for pair in found),
    )


CORPORA = {
    "examples of the issue": lambda: corpus.labelled("given.jsonl"),
    "founder, seen": lambda: corpus.part("founder.jsonl", held_out=False),
    "founder, held out": corpus.held_out,
    "personas, seen": lambda: corpus.part("personas.jsonl", held_out=False),
    "personas, held out": lambda: corpus.part("personas.jsonl", held_out=True),
    "colleagues, fitted to": lambda: corpus.labelled("colleagues.jsonl"),
}
if (corpus.HERE / UNSEEN).exists():
    CORPORA["colleagues, held out"] = lambda: corpus.labelled(UNSEEN)


def by_writer(*, guesses: bool) -> Score:
    """colleagues.jsonl, where the weights know nothing of the writer who is read."""
    from tests.handlers.language.train import fitted  # noqa: PLC0415 - scikit-learn is for developers

    rows, scores = corpus.labelled("colleagues.jsonl"), []
    for writer in sorted({row["w"] for row in rows}):
        theirs = [row for row in rows if row["w"] == writer]
        with known(Classifier(fitted(writer))):
            scores.append((len(theirs), score(theirs, guesses=guesses)))
    number = sum(count for count, _ in scores)
    means = (
        sum(n * getattr(one, name) for n, one in scores) / number for name in ("intent", "slots", "reach")
    )
    return Score(number, *means, wrong=sum(one.wrong for _, one in scores))


@contextmanager
def known(other: Classifier) -> Iterator[None]:
    """Read with other weights."""
    usual = vars(classifier())
    kept = dict(usual)
    usual.update(vars(other))
    yield
    usual.update(kept)


def milliseconds(rows: list[Row]) -> list[float]:
    taken = []
    for row in rows:
        begun = time.process_time()  # on a busy machine others work in between
        read(row)
        taken.append((time.process_time() - begun) * 1000)
    return sorted(taken)


def fuzzed(number: int = 2_000) -> tuple[int, float]:
    """How many amounts outside the rules were read of random texts, and the longest reading in milliseconds."""
    chance = random.Random(7)
    texts = ["".join(chance.choices(corpus.PIECES, k=chance.randint(1, 60))) for _ in range(number)]
    read_ = [number_of(understand(text, today=WEDNESDAY)) for text in texts]
    outside = sum(one is not None and not 0 < float(one) <= 2**53 for one in read_)
    return outside, milliseconds([{"t": text} for text in texts])[-1]


def _print_row(name: str, found: Score) -> None:
    print(
        f"| {name} | {found.rows} | {found.intent:.3f} | {found.slots:.3f} | {found.reach:.3f} | {found.wrong} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--templates", action="store_true")
    options.add_argument("--misses", action="store_true")
    options.add_argument("--by-writer", action="store_true")
    options.add_argument("--held-out", action="store_true")
    asked = options.parse_args()
    list(prepare())
    print("| sentences | number | intent | slots | one tap | wrong actions |\n|---|---|---|---|---|---|")
    for name, rows in CORPORA.items():
        if "held out" in name and not asked.held_out:
            continue
        _print_row(name, score(rows(), guesses=not asked.templates))
    if asked.by_writer:
        _print_row("colleagues, by writer", by_writer(guesses=not asked.templates))
    every = [
        row for name, rows in CORPORA.items() if asked.held_out or "held out" not in name for row in rows()
    ]
    milliseconds(every)  # what is compiled at the first use is compiled now
    taken = milliseconds(every)
    print(
        f"\np50 {taken[len(taken) // 2]:.2f} ms, p99 {taken[len(taken) * 99 // 100]:.2f} ms, longest {taken[-1]:.2f} ms"
    )
    outside, longest = fuzzed()
    print(f"2,000 random texts: {outside} amounts outside the rules, longest {longest:.2f} ms")
    if asked.misses:
        for row in corpus.part("personas.jsonl", held_out=False) + corpus.labelled("given.jsonl"):
            found = read(row, guesses=not asked.templates)
            if not right_slots(row, found):
                print(
                    row["t"],
                    "|",
                    row["i"],
                    row.get("p"),
                    row.get("a"),
                    "->",
                    {k: v for k, v in printed(found).items() if v},
                    "" if is_reached(row, found) else "UNREACHED",
                )


if __name__ == "__main__":
    main()
