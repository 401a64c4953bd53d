"""A sentence in English or Chinese → Command. Nothing is looked up.

1. `cleaning` takes away what chat clients put around the words.
2. `sentence` takes out people, numbers and days; signs take their places.
3. The rest is compared with the typed grammar (`typed`, `commands`: exact when nothing is left to guess), with
decisions about a CODE (`decisions`), with the ways people ask (`english`, `chinese`: clear) and with questions
(`topics`).
4. `remainder` reads the words that are left: courtesy or a reason, or the command is unclear. A sentence that
denies, reports or supposes something, or tells of the past or of other people, is `none`.
5. `classifier` and `guess` compare what no template knows with the corpus: unclear, and filled with the only person
and the only number of the sentence (`slots`).
Whatever is not exact is confirmed before anything moves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

from handlers.command import Command
from handlers.language.amounts import plain_number
from handlers.language.answers import refusal, short_answer
from handlers.language.chinese import CHINESE
from handlers.language.classifier import classifier
from handlers.language.cleaning import as_typed, clean
from handlers.language.commands import plain_sentence, typed_command
from handlers.language.decisions import spoken_decision, typed_decision
from handlers.language.english import ENGLISH
from handlers.language.guess import candidates, corrected, guess, read_as
from handlers.language.sentence import Sentence
from handlers.language.slots import filled
from handlers.language.topics import closest_topic, rule_of, topic_of
from handlers.language.typed import BARE, COMMANDS, DECISIONS, TYPED, WORDS
from handlers.language.wholes import whole_sentence

NOTHING = Command("none", confidence="unclear")
MOVES = frozenset(BARE) - {"lang"}
_UNLISTED = ("yes", "no", "several", "thanks", "hello", "amount", "unread")
"""Intents that `quotabot understand` does not print: single words, which mean something only to who was just asked something."""


def number_of(command: Command) -> str | None:
    return plain_number(command.amount)


def printed(command: Command) -> dict[str, Any]:
    """The line of `quotabot understand`. `name`: only for a person who is named, not mentioned."""
    name = command.person.name if command.person else None
    return {
        "intent": "none" if command.intent in _UNLISTED else command.intent,
        "person": command.person.id if command.person else None,
        **({"name": name} if name else {}),
        "amount": None if command.intent in _UNLISTED else number_of(command),
        "reason": command.reason or None,
        "until": command.until if re.fullmatch(r"\d{4}-\d\d-\d\d", command.until or "") else None,
        "confidence": command.confidence,
    }


def understand(text: str, locale: str = "en", *, today: date | None = None, guesses: bool = True) -> Command:
    """Read one sentence in either language, whatever the sender's `locale`. Days need `today`.

    Without `guesses` the classifier stays out, so that the templates are measured.
    """
    cleaned = clean(text)
    found = _read(Sentence.read(cleaned, today), guesses=guesses)
    if cleaned.quoted and found.intent in MOVES:
        return replace(found, confidence="unclear")
    if found.exact and cleaned.mended and _read(Sentence.read(as_typed(text), today)) != found:
        return replace(found, confidence="clear")
    return found


def explained(text: str, today: date) -> dict[str, Any]:
    """How a sentence was read: the cleaned words, the step that knew them, and other possible meanings."""
    sentence = Sentence.read(clean(text), today)
    step = next((step.__name__.strip("_") for step in _steps() if step(sentence)), "nothing")
    return {"read": sentence.source, "step": step, "offers": candidates(sentence)}


def offers(text: str, today: date) -> dict[str, Command]:
    sentence = Sentence.read(clean(text), today)
    return {intent: read_as(intent, sentence) for intent in candidates(sentence)}


def _read(sentence: Sentence, *, guesses: bool = True) -> Command:
    for step in _steps():
        if step is guess and not guesses:
            continue
        if found := step(sentence):
            return (corrected(found, sentence) or NOTHING) if guesses and step in _LOOSE else found
    return NOTHING


def _steps() -> tuple[Callable[[Sentence], Command | None], ...]:
    # The surest first; the first that knows the sentence decides.
    return (
        _single_word,
        short_answer,
        typed_decision,
        typed_command,
        whole_sentence,
        spoken_decision,
        _plain,
        _question,
        _misspelt_command,
        guess,
        refusal,
    )


def prepare() -> Iterator[object]:
    yield understand("申请两百块")
    yield classifier()
    for template in (*TYPED, *ENGLISH, *CHINESE):
        yield template.pattern


def _plain(sentence: Sentence) -> Command | None:
    found = plain_sentence(sentence)
    return filled(found, sentence) if found else None


# ── words and codes ─────────────────────────────────────────────────────────────────────────────────

_WORDS = tuple((intent, re.compile(words)) for intent, words in (WORDS | BARE).items())
_LANG = re.compile(r"(?:lang|language|语言)[ :]*(?P<locale>en|zh)\w*")


def _single_word(sentence: Sentence) -> Command | None:
    # Nothing at all is the balance.
    for intent, words in _WORDS:
        if words.fullmatch(sentence.tight.text):
            return Command(intent)
    match = _LANG.fullmatch(sentence.spaced.text)
    return Command("lang", code=match["locale"]) if match else None


# ── what moves nothing ──────────────────────────────────────────────────────────────────────────────


def _question(sentence: Sentence) -> Command | None:
    # A text with people or amounts must be a question; any other may only resemble one.
    spaced, tight = sentence.spaced.text, sentence.tight.text
    intent = topic_of(spaced, tight)
    if intent == "lang":
        return Command(
            intent,
            confidence="clear",
            code="zh" if re.search("zh|chinese|mandarin|中文|汉语|普通话", tight) else "en",
        )
    if intent:
        return Command(
            intent, code=rule_of(f"{spaced} {tight}") if intent == "help" else "", confidence="clear"
        )
    close = None if sentence.people or sentence.numbers else closest_topic(spaced)
    return Command(close, confidence="unclear") if close else None


_LOOSE = (_plain, _question, spoken_decision)
"""Steps that compare a part of a sentence; the classifier reads all of it."""


def _misspelt_command(sentence: Sentence) -> Command | None:
    """A typed command, or a decision, with a typo in its first word. Always confirmed first."""
    first = re.match("[A-Za-z]{3,10}(?![A-Za-z])", sentence.source)
    meant = _closest_verb(first[0].lower()) if first else None
    if first is None or meant is None:
        return None
    rest = sentence.source[first.end() :]
    if not rest.strip(" .!?"):
        return Command(_SINGLE[meant], confidence="unclear") if meant in _SINGLE else None
    mended = Sentence.read(as_typed(meant + rest), None)
    found = typed_decision(mended) or typed_command(mended)
    return replace(found, confidence="unclear", until=sentence.until) if found else None


_SINGLE = {
    word: intent
    for intent, words in WORDS.items()
    for word in words.split("|")
    if re.fullmatch("[a-z]{4,}", word)
}
_VERBS = sorted(
    {
        *COMMANDS,
        *_SINGLE,
        *(word for words in DECISIONS.values() for word in words.split("|") if word.isascii()),
    }
)
_ENGLISH_WORDS = frozenset(
    {
        "send",
        "land",
        "least",
        "lead",
        "held",
        "hell",
        "heap",
        "cause",
        "pass",
        "past",
        "paste",
        "learn",
        "lean",
        "leads",
        "lent",
        "lends",
        "mate",
        "mite",
        "mutt",
        "move",
        "tea",
        "teams",
        "ass",
        "arc",
        "and",
        "any",
        "ant",
        "art",
        "add",
        "task",
        "grand",
        "grants",
        "rant",
        "great",
        "repair",
        "replay",
        "relay",
        "request",
        "requests",
        "results",
        "reset",
        "loan",
        "loaned",
        "apply",
        "applied",
        "concern",
    }
)
"""Words of their own, which are no typos."""


def _closest_verb(word: str) -> str | None:
    """The verb that this word is, but for one letter, or two in a long word; a letter too many, too few, wrong or swapped."""
    most = 1 if len(word) < 7 else 2
    near = [
        (DamerauLevenshtein.distance(word, verb, score_cutoff=most), verb)
        for verb in _VERBS
        if verb[0] == word[0]
    ]
    best = min((one for one in near if one[0] <= most), default=None)
    return best[1] if best and best[0] and word not in _ENGLISH_WORDS else None
