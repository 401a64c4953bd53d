"""Questions about the rules, answered with the rule."""

from __future__ import annotations

from handlers.words import texts
from handlers.words.text import Text

RULES: dict[str, Text] = {
    "ranking": texts.RULE_RANKING,
    "outsiders": texts.RULE_OUTSIDERS,
    "private": texts.RULE_PRIVATE,
    "expiry": texts.RULE_EXPIRY,
    "debt": texts.RULE_DEBT,
}
"""By the name that `handlers.language.topics.rule_of` gives a question."""
