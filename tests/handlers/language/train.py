"""`make train`: fit the weights of the classifier to the corpus. Needs scikit-learn."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from collections import Counter
from datetime import date
from hashlib import sha256
from typing import Any

from handlers.language.classifier import SIGN, WEIGHTS, features_of
from handlers.language.cleaning import clean
from handlers.language.names import WORDS
from handlers.language.sentence import Sentence
from tests.handlers.language.corpus import names, sections, training

LARGEST = 30_000
"""Features that are kept: those with the largest weights."""
SMALL = 0.2
"""Weights below this are nothing: the file is a third as long, and reads the same."""

KNOWN = 5.0
"""What a sentence of sentences.txt counts: each must be read right, and many only look like a command."""


def fitted(without: str = "") -> dict[str, Any]:
    """What weights.json holds: the same for the same corpus, but for the last bit of a weight.

    `without`: one writer of colleagues.jsonl, to be measured.
    """
    import numpy as np  # noqa: PLC0415
    from sklearn.feature_extraction import DictVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    corpus = training(without)
    rows = [features_of(Sentence.read(clean(text), date(2026, 11, 25))) for text, _ in corpus]
    # What stands in one sentence only tells nothing of others.
    often = Counter(name for row in rows for name in row)
    vectorizer = DictVectorizer()
    seen = vectorizer.fit_transform([{name: row[name] for name in row if often[name] > 1} for row in rows])
    model = LogisticRegression(C=40.0, max_iter=200, tol=1e-3, class_weight=_class_weights(corpus))
    old = {text for section in sections().values() for text, _ in section}
    model.fit(
        seen,
        [intent for _, intent in corpus],
        sample_weight=[KNOWN if text in old else 1.0 for text, _ in corpus],
    )
    weights = model.coef_.T
    names = vectorizer.get_feature_names_out()
    largest = np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:LARGEST]
    kept = sorted(largest, key=lambda at: names[at])
    table = np.vstack([model.intercept_, weights[kept]])
    table[1:] *= np.array([SIGN if names[at].startswith("~") else 1.0 for at in kept])[:, None]
    # Small weights are kept more exactly than large ones: a byte holds the square root.
    table[np.abs(table) < SMALL] = 0
    largest_of_all = float(np.abs(table).max())
    rounded = np.rint(np.sign(table) * np.sqrt(np.abs(table) / largest_of_all) * 127).astype("int8")
    return {
        "intents": " ".join(model.classes_),
        "largest": round(largest_of_all, 6),
        "corpus": digest(corpus),
        "features": _packed("\n".join(["", *(names[at] for at in kept)]).encode()),
        "weights": _packed(rounded.tobytes()),
    }


def _packed(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data, 9)).decode()


def known_words() -> list[str]:
    """English words of the corpus that stand there in small letters, without the names that are labelled."""
    texts = [text for text, _ in training()]
    small = Counter(word for text in texts for word in re.findall(r"(?<![A-Za-z'])[a-z]['a-z]*", text))
    large = Counter(word.lower() for text in texts for word in re.findall(r"(?<=[a-z,] )[A-Z]['a-z]+", text))
    return sorted(word for word in small if small[word] > large[word] and word not in names())


def digest(corpus: list[tuple[str, str]]) -> str:
    return sha256(json.dumps(corpus, ensure_ascii=False).encode()).hexdigest()


def _class_weights(corpus: list[tuple[str, str]]) -> dict[str, float]:
    """A rare intent counts more, by the square root, and chatter twice: a button too few is better than an answer to small talk."""
    counts = Counter(intent for _, intent in corpus)
    return {
        intent: math.sqrt(len(corpus) / len(counts) / count) * (2 if intent == "none" else 1)
        for intent, count in counts.items()
    }


if __name__ == "__main__":
    WORDS.write_text(" ".join(known_words()) + "\n", encoding="utf-8")
    WEIGHTS.write_text(json.dumps(fitted(), ensure_ascii=False) + "\n", encoding="utf-8")
