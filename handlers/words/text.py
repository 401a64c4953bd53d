"""Text: one sentence in English and Chinese, and the facts in it."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models.messages.message import escape


class SafeText(str):
    """Shown as it is: amounts, days, codes, our own words. Any other text in a sentence is escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Text:
    """A sentence in both languages. Raises `ValueError` at import when they name different facts."""

    en: str
    zh: str

    def __post_init__(self) -> None:
        if _facts(self.en) != _facts(self.zh):
            raise ValueError(f"the languages differ in their facts: {self.en!r} / {self.zh!r}")

    def __call__(self, locale: str, **facts: Any) -> SafeText:
        for name, value in facts.items():
            if isinstance(value, str) and not isinstance(value, SafeText):
                facts[name] = escape(value)  # what people typed is escaped here, once
        return SafeText((self.zh if locale.startswith("zh") else self.en).format(**facts))


def listed(words: Iterable[str], locale: str) -> str:
    """`a, b` or `a、b`."""
    return ("、" if locale.startswith("zh") else ", ").join(words)


def one_line(sentences: Iterable[SafeText], locale: str) -> SafeText:
    # A space between sentences in English, none in Chinese.
    return SafeText(("" if locale.startswith("zh") else " ").join(filter(None, sentences)))


def with_reason(text: SafeText, reason: str) -> SafeText:
    return SafeText(f"{text}\n> {escape(reason)}") if reason else text


def _facts(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}
