"""A linear classifier over words and characters, for sentences that no template knows. It moves nothing.

`make train` fits the weights with scikit-learn (tests/handlers/language/train.py); here they are only added up.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

from handlers.language.grammar import AMOUNT, COUNT, JOINT, PERSON
from handlers.language.sentence import Sentence
from handlers.language.slots import person_in

WEIGHTS = Path(__file__).with_name("weights.json")
LONGEST = 120
"""Characters that are compared: a longer text is no question to a bot."""


class Classifier:
    """Weights by feature, one signed byte an intent."""

    def __init__(self, data: dict[str, object]) -> None:
        self.intents = str(data["intents"]).split()
        self.scale = float(str(data["scale"]))
        features = str(data["features"]).split("\n")
        rows = memoryview(base64.b64decode(str(data["weights"]))).cast("b")
        width = len(self.intents)
        self.rows = {name: rows[at * width : (at + 1) * width] for at, name in enumerate(features)}

    def ranked(self, sentence: Sentence) -> list[tuple[str, float]]:
        """Every intent with its probability, the likeliest first."""
        totals: list[float] = list(self.rows[""])
        for name, value in features_of(sentence).items():
            if row := self.rows.get(name):
                for place, weight in enumerate(row):
                    totals[place] += weight * value
        scores = [total * self.scale for total in totals]
        powers = [math.exp(score - max(scores)) for score in scores]
        found = zip(self.intents, (power / sum(powers) for power in powers), strict=True)
        return sorted(found, key=lambda one: -one[1])


@cache
def classifier() -> Classifier:
    return Classifier(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def features_of(sentence: Sentence) -> dict[str, float]:
    # Words, pairs of words and stretches of letters, scaled to unit length; a person, an amount and a CODE are one sign
    # each.
    text = sentence.spaced.text.translate(_SIGNS)
    person = person_in(sentence)
    if person and person.name:
        name = person.name.lower()
        text = text.replace(name.replace(" ", JOINT), " @ ").replace(name, " @ ")
    for code in _CODE.findall(sentence.source):
        text = text.replace(code.lower(), "$")
    text = text[:LONGEST]
    words = re.findall(r"[a-z']+|[@#$?]|[^\W\x00-\xff]", text)
    found: Counter[str] = Counter(words)
    found.update(f"{one} {two}" for one, two in pairwise(words))
    tight = re.sub(r"[^\w@#$?]+", "", re.sub(r"(?<=[a-z]) (?=[a-z])", "_", text))
    for size in (2, 3, 4):
        found.update(f"={tight[at : at + size]}" for at in range(len(tight) - size + 1))
    found.update({f"^{words[0]}": 1, f"{words[-1]}$": 1, f"n{min(len(words), 12) // 3}": 1} if words else {})
    length = math.sqrt(sum(count * count for count in found.values())) or 1.0
    return {name: count / length for name, count in found.items()}


_CODE = re.compile(r"(?<![A-Za-z0-9])(?=[0-9A-Z]*[A-Z])(?=[0-9A-Z]*[0-9])[0-9A-Z]{4}(?![A-Za-z0-9])")
_SIGNS = str.maketrans({PERSON: "@", AMOUNT: "#", COUNT: "#"})
