"""A digest of personal words proves what they were, and does not let them be guessed."""

from __future__ import annotations

from models.words import digest, sealed


def test_a_seal_is_of_exactly_these_words() -> None:
    kept = sealed("for Pia", "项目")
    assert kept["digest"] == digest(kept["salt"], "for Pia", "项目")
    assert kept["digest"] != digest(kept["salt"], "for Pia项目", "")


def test_the_same_words_are_sealed_differently_each_time() -> None:
    assert sealed("ok")["digest"] != sealed("ok")["digest"]
