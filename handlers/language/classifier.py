"""A linear classifier over words and characters, for sentences that no template knows. It moves nothing.

`make train` fits the weights with scikit-learn (tests/handlers/language/train.py); here they are only added up.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from bisect import bisect_left
from collections import Counter
from functools import cache
from itertools import combinations, groupby, pairwise
from pathlib import Path

from handlers.language.grammar import AMOUNT, COUNT, JOINT, PERSON
from handlers.language.meanings import meanings
from handlers.language.sentence import Sentence
from handlers.language.slots import person_in

WEIGHTS = Path(__file__).with_name("weights.json")
LONGEST = 300
"""Characters that are compared: a longer text is no question to a bot."""
SIGN = 0.07
"""What it counts that a sentence has a person, an amount, a CODE or a question mark: about a tenth of all its words."""

MEANING = 0.7
"""What all the meanings of a sentence count together; its words and letters count 1."""


class Classifier:
    """Weights by feature, one signed byte an intent: its square is the weight."""

    def __init__(self, data: dict[str, object]) -> None:
        self.intents = str(data["intents"]).split()
        largest = float(str(data["largest"]))
        # Counted from both ends: `weight[-3]` is the third below zero.
        self.weight = [(byte / 127) ** 2 * largest for byte in range(128)]
        self.weight += [-((byte / 127) ** 2) * largest for byte in range(128, 0, -1)]
        self._unpacked: dict[str, tuple[tuple[int, float], ...]] = {}
        self._latest: tuple[str, list[tuple[str, float]]] = ("", [])
        # In order: one list takes 2 MiB, a dictionary of rows took 7.
        self.features = _unpacked(data["features"]).decode().split("\n")
        self.rows = memoryview(_unpacked(data["weights"])).cast("b")

    def knows(self, feature: str) -> bool:
        at = bisect_left(self.features, feature)
        return self.features[at : at + 1] == [feature]

    def ranked(self, sentence: Sentence) -> list[tuple[str, float]]:
        """Every intent with its probability, the likeliest first. Several steps ask about the same sentence."""
        source, found = self._latest
        if source != sentence.source:
            found = self._ranked(sentence)
            self._latest = sentence.source, found
        return found

    def _ranked(self, sentence: Sentence) -> list[tuple[str, float]]:
        scores = [0.0] * len(self.intents)
        for place, weight in self._row(""):
            scores[place] = weight
        for name, value in features_of(sentence).items():
            count = 1.0 if name[0] == "~" else value  # the weight of a sign is kept multiplied
            for place, weight in self._row(name):
                scores[place] += weight * count
        powers = [math.exp(score - max(scores)) for score in scores]
        found = zip(self.intents, (power / sum(powers) for power in powers), strict=True)
        return sorted(found, key=lambda one: -one[1])

    def _row(self, name: str) -> tuple[tuple[int, float], ...]:
        # Most weights are nothing. A row is unpacked when it is first needed.
        if (known := self._unpacked.get(name)) is not None:
            return known
        if not self.knows(name):
            return ()
        at, width = bisect_left(self.features, name), len(self.intents)
        row = self.rows[at * width : (at + 1) * width]
        found = tuple((place, self.weight[byte]) for place, byte in enumerate(row) if byte)
        self._unpacked[name] = found
        return found


@cache
def classifier() -> Classifier:
    return Classifier(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def features_of(sentence: Sentence) -> dict[str, float]:
    # Words, pairs of words and stretches of letters, scaled to unit length; a person, an amount and a CODE are one sign
    # each, and whether there is one counts by itself.
    text = signed(sentence)
    words = re.findall(r"[a-z']+|[@#$?]|[^\W\x00-\xff]", text)
    found: Counter[str] = Counter(words)
    found.update(f"{one} {two}" for one, two in pairwise(words))
    tight = re.sub(r"[^\w@#$?]+", "", re.sub(r"(?<=[a-z]) (?=[a-z])", "_", text))
    for size in (2, 3, 4):
        found.update(f"={tight[at : at + size]}" for at in range(len(tight) - size + 1))
    found.update({f"^{words[0]}": 1, f"{words[-1]}$": 1} if words else {})
    length = math.sqrt(found.total()) or 1.0
    has = [sign if sign in text else f"no{sign}" for sign in "@#$?"]
    signs = dict.fromkeys(
        (*(f"~{one}" for one in has), f"~{''.join(has)}", f"~{min(len(words), 30) // 5}"), SIGN
    )
    return {name: math.sqrt(count) / length for name, count in found.items()} | signs | _meant(text)


def _meant(text: str) -> dict[str, float]:
    # What the words mean: each, two and three in a row, and any two of them.
    order = [name for name, _ in groupby(meanings(text))]
    kinds = sorted(set(order))
    found = {
        *kinds,
        *map(">".join, pairwise(order)),
        *map(">".join, zip(order, order[1:], order[2:], strict=False)),
    }
    found.update(map("&".join, combinations(kinds, 2)))
    weight = MEANING / (math.sqrt(len(found)) or 1.0)
    return {f"!{name}": weight for name in found}


def signed(sentence: Sentence) -> str:
    """The words in lower case, with a sign for each person, number and CODE."""
    text = sentence.spaced.text.translate(_SIGNS)
    person = person_in(sentence)
    if person and person.name:
        name = person.name.lower()
        text = text.replace(name.replace(" ", JOINT), " @ ").replace(name, " @ ")
    for code in _CODE.findall(sentence.source):
        text = text.replace(code.lower(), " $ ")
    return text[:LONGEST]


def _unpacked(data: object) -> bytes:
    return zlib.decompress(base64.b85decode(str(data)))


_CODE = re.compile(
    r"(?i)(?<![a-z0-9])(?=[0-9a-z]*[a-z])(?=[0-9a-z]*[0-9])(?![0-9]+[a-z]{1,2}\b)[0-9a-z]{4}(?![a-z0-9])"
)
_SIGNS = str.maketrans({PERSON: "@", AMOUNT: "#", COUNT: "#"})
