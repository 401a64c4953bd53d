"""`make train`: fit the weights of the classifier to the corpus. Needs scikit-learn."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import date
from hashlib import sha256
from typing import Any

from handlers.language.classifier import WEIGHTS, features_of
from handlers.language.cleaning import clean
from handlers.language.sentence import Sentence
from tests.handlers.language.corpus import training

LARGEST = 6_500
"""Features that are kept: those with the largest weights."""


def fitted() -> dict[str, Any]:
    """What weights.json holds: the same for the same corpus, but for the last bit of a weight."""
    import numpy as np  # noqa: PLC0415
    from sklearn.feature_extraction import DictVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    corpus = training()
    rows = [features_of(Sentence.read(clean(text), date(2026, 11, 25))) for text, _ in corpus]
    # What stands in one sentence only tells nothing of others.
    often = Counter(name for row in rows for name in row)
    vectorizer = DictVectorizer()
    seen = vectorizer.fit_transform([{name: row[name] for name in row if often[name] > 1} for row in rows])
    model = LogisticRegression(C=80.0, max_iter=500, tol=1e-4, class_weight=_class_weights(corpus))
    model.fit(seen, [intent for _, intent in corpus])
    weights = model.coef_.T
    names = vectorizer.get_feature_names_out()
    largest = np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:LARGEST]
    kept = sorted(largest, key=lambda at: names[at])
    table = np.vstack([model.intercept_, weights[kept]])
    scale = float(np.abs(table).max()) / 127
    return {
        "intents": " ".join(model.classes_),
        "scale": round(scale, 6),
        "corpus": digest(corpus),
        "features": "\n".join(["", *(names[at] for at in kept)]),
        "weights": base64.b64encode(np.rint(table / scale).astype("int8").tobytes()).decode(),
    }


def digest(corpus: list[tuple[str, str]]) -> str:
    return sha256(json.dumps(corpus, ensure_ascii=False).encode()).hexdigest()


def _class_weights(corpus: list[tuple[str, str]]) -> dict[str, float]:
    """Every intent counts the same, and chatter twice: a button too few is better than an answer to small talk."""
    counts = Counter(intent for _, intent in corpus)
    return {
        intent: len(corpus) / len(counts) / count * (2 if intent == "none" else 1)
        for intent, count in counts.items()
    }


if __name__ == "__main__":
    WEIGHTS.write_text(json.dumps(fitted(), ensure_ascii=False) + "\n", encoding="utf-8")
