"""What may be kept of a sentence that was not understood: its words that the corpus knows, and signs."""

from __future__ import annotations

import re

from handlers.language.classifier import classifier, signed
from handlers.language.cleaning import clean
from handlers.language.names import known_words
from handlers.language.sentence import Sentence

HIDDEN = "_"
"""A word that the corpus does not know: a name, a project, a secret."""
MOST, LEAST = 40, 2
"""Words that are kept at most, and known ones that are needed to learn anything."""
_NAMES_WRITTEN = (
    "abby adam al alan alex amber amy andy angel ann anna april art ash august ava ben beth bill bob brad buck "
    "carl carter chad chance chase chip chris chuck cliff cook dale dan dawn dean don drew earl eric eve faith "
    "fay finn frank gene glen grace grant gray guy hank harry heath homer hope hunter jack james jay jim joe "
    "john josh joy june ken lance lane lee lily mark mary matt max may miles moin nick norm olive pat penny "
    "pete rain ray rich rob rohit rose ruby rusty sage sam sandy skip siri sue summer ted terry tim tom tony "
    "violet wade ward will woody"
)
_NAMES = frozenset(_NAMES_WRITTEN.split())
"""Names that are words of the corpus, too."""
_AFTER_VERBS_WRITTEN = (
    "a an any be have he her him i it its me my not our she some that the them they this us we you your @ #"
)
_AFTER_VERBS = frozenset(_AFTER_VERBS_WRITTEN.split())
"""What stands behind `may`, `will`, `grant` or `mark` when it is no name."""
_NO_NAME_WRITTEN = "he's how's it's let's she's that's there's what's when's where's who's here's"
_NO_NAME = frozenset(_NO_NAME_WRITTEN.split())
_WORD = re.compile(r"[a-z']+|[@#$?]|[^\W\x00-\xff]|\S")


def skeleton_of(sentence: str) -> str:
    """`@` is a person, `#` a number or a day, `$` a CODE, `_` what the corpus does not know. Empty where too little is left.

    A Chinese character is kept where each of its neighbours stands beside it in the corpus, too: so no name is.
    """
    words = _WORD.findall(signed(Sentence.read(clean(sentence), None)))[:MOST]
    kept = [_kept(words, place) for place in range(len(words))]
    shown = [one for place, one in enumerate(kept) if one != HIDDEN or kept[place - 1 : place] != [HIDDEN]]
    known = [one for one in shown if one not in "@#$?_"]
    return " ".join(shown) if len(known) >= LEAST else ""


def _kept(words: list[str], place: int) -> str:
    word = words[place]
    if word in "@#$?":
        return word
    if re.fullmatch("[a-z']+", word):
        after = words[place + 1] if place + 1 < len(words) else ""
        return word if _is_plain(word, after) else HIDDEN
    beside = [(word, words[place + 1])] if place + 1 < len(words) else []
    beside += [(words[place - 1], word)] if place else []
    pairs = [f"{one} {other}" for one, other in beside if _is_han(one) and _is_han(other)]
    alone = not pairs and classifier().knows(word)
    return word if _is_han(word) and (alone or (pairs and all(map(classifier().knows, pairs)))) else HIDDEN


def _is_plain(word: str, after: str) -> bool:
    if word not in known_words() or (word.endswith("'s") and word not in _NO_NAME):
        return False
    return word not in _NAMES or after in _AFTER_VERBS


def _is_han(word: str) -> bool:
    return "\u3400" <= word <= "\u9fff"
