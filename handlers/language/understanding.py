"""A sentence in English or Chinese → Command. Nothing is looked up.

1. People, numbers and days are taken out of the sentence, and signs take their places (`sentence`).
2. The signs and words are compared with the typed grammar (`typed`: exact), with the ways people ask (`english`, `chinese`: clear)
   and with questions (`topics`).
3. The words that are left must be courtesy or a reason (`remainder`), or the command is unclear. A sentence that denies,
   reports or supposes something, or tells of the past or of somebody else, is `none`.

Whatever is not exact is confirmed before anything moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

from rapidfuzz import fuzz, process

from handlers.command import Command, Person
from handlers.language.chinese import CHINESE
from handlers.language.english import ENGLISH
from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER, PERSON, Template
from handlers.language.remainder import clean_reason, denies_or_reports, read_remainder, retracts
from handlers.language.sentence import Sentence, Skeleton
from handlers.language.topics import closest_topic, topic_of
from handlers.language.typed import BARE, COMMANDS, DECISIONS, TYPED, WORDS
from models.ledger.amount import All, Unit, parse, plain
from models.refusal import AmbiguousAmount, BadAmount

NOTHING = Command("none", confidence="unclear")
_UNLISTED = ("yes", "no", "pause", "resume", "several")
"""Intents that `quotabot understand` does not print: single words for a button, and several people at once."""


def number_of(command: Command) -> str | None:
    """The amount as a plain decimal, where it is one number beyond doubt."""
    read = _reading(command.amount) if command.amount else None
    return read[0] if isinstance(read, tuple) else None


def printed(command: Command) -> dict[str, Any]:
    """The line that `quotabot understand` prints."""
    return {
        "intent": "none" if command.intent in _UNLISTED else command.intent,
        "person": command.person.id if command.person else None,
        "amount": number_of(command),
        "reason": command.reason or None,
        "until": command.until if re.fullmatch(r"\d{4}-\d\d-\d\d", command.until or "") else None,
        "confidence": command.confidence,
    }


def understand(text: str, locale: str = "en", *, today: date | None = None) -> Command:
    """Read one sentence; both languages are understood whatever the asker's `locale` is. Days need `today`."""
    sentence = Sentence.read(text, today)
    return (
        _single_word(sentence)
        or _decision(sentence)
        or _typed_command(sentence)
        or _plain_sentence(sentence)
        or _question(sentence)
        or _misspelt_command(sentence)
        or NOTHING
    )


def prepare() -> Iterator[object]:
    """Compile, piece by piece, what the first plain sentence of a process would wait for: half a second in all."""
    yield understand("申请两百块")
    for template in (*TYPED, *ENGLISH, *CHINESE):
        yield template.pattern


# ── words and codes ─────────────────────────────────────────────────────────────────────────────────

_WORDS = tuple((intent, re.compile(words)) for intent, words in (WORDS | BARE).items())
_LANG = re.compile(r"(?:lang|language|语言)[ :]*(?P<locale>en|zh)\w*")
_CODE = r"#?(?P<code>(?![0-9]+[a-z]?\b)(?=[a-z]*[0-9])[a-z0-9]{4,8}|(?-i:[A-Z]{4,8}))(?![A-Za-z0-9])"
_DECISIONS = tuple(
    (intent, re.compile(rf"(?i)(?P<please>(?:(?:please|pls|plz|ok|okay|yes|请|麻烦|我|好的?|行|可以)[\s,，]*)*)(?:{verbs})(?: it| (?:my |the )?request| ?(?:我的|这个)?申请)?[\s:：]*{_CODE}(?P<rest>.*)"))
    for intent, verbs in DECISIONS.items()
)  # fmt: skip


def _single_word(sentence: Sentence) -> Command | None:
    """One word that is a command, nothing at all (the balance), or a language."""
    for intent, words in _WORDS:
        if words.fullmatch(sentence.tight.text):
            return Command(intent)
    match = _LANG.fullmatch(sentence.spaced.text)
    return Command("lang", code=match["locale"]) if match else None


def _decision(sentence: Sentence) -> Command | None:
    """`approve CODE [amount]`, `decline CODE reason`, `cancel CODE`, `revoke CODE`."""
    for intent, pattern in _DECISIONS:
        if match := pattern.fullmatch(sentence.source):
            confidence = "clear" if match["please"] else "exact"
            found = Command(intent, code=match["code"].upper(), confidence=confidence)
            return _decision_with(found, match["rest"], sentence)
    return None


def _decision_with(found: Command, rest: str, sentence: Sentence) -> Command:
    """The decision with the words after its CODE: a reason to decline, or another amount to approve."""
    reason = clean_reason(rest)
    if re.search("[?？]", rest) or (found.intent != "decline" and retracts(rest)):
        return replace(found, reason=reason, confidence="unclear")
    if found.intent == "approve" and reason:
        return _approval_of(found, reason, sentence)
    if reason and found.intent != "decline":
        return replace(found, reason=reason, confidence="unclear")
    return replace(found, reason=reason)


def _approval_of(found: Command, rest: str, sentence: Sentence) -> Command:
    """An approval may name another amount; any other words make it unclear."""
    numbers = [span.text for span in sentence.numbers if span.text in rest]
    around = rest.replace(numbers[0], "", 1) if numbers else rest
    if len(numbers) != 1 or not _ONLY_AN_AMOUNT.fullmatch(around):
        return replace(found, reason=rest, confidence="unclear")
    sure = _has_one_reading(numbers[0], "approve")
    return replace(found, amount=numbers[0], confidence=found.confidence if sure else "unclear")


_ONLY_AN_AMOUNT = re.compile(r"(?i)(?:for|with|at|only|but only|just|只?批|给|按)?\s*(?:only|max)?")


# ── what moves something ────────────────────────────────────────────────────────────────────────────

_CLAUSE = re.compile(r"[,.;!?:] ?(?=.)")


def _typed_command(sentence: Sentence) -> Command | None:
    """The typed grammar, from the first word on; after a verb of it, also with the number read as an amount."""
    return _typed(sentence) or (_typed(sentence.typed) if _VERB.match(sentence.source) else None)


_VERB = re.compile(rf"(?i)(?:{'|'.join(COMMANDS)})\b|借给|向|还|收回|免还|申请")


def _typed(sentence: Sentence) -> Command | None:
    for template in TYPED:
        skeleton = sentence.spaced if template.english else sentence.tight
        match = template.pattern.match(skeleton.text.replace(COUNT, AMOUNT))
        if match and (found := _command_of(template, match, skeleton, sentence, typed=True)):
            return found
    return None


def _plain_sentence(sentence: Sentence) -> Command | None:
    """Of several readings the first clear one, else the first."""
    found = list(_readings(sentence))
    return next((one for one in found if one.confidence == "clear"), found[0] if found else None)


def _readings(sentence: Sentence) -> Iterator[Command]:
    for templates, skeleton, letter in (
        (ENGLISH, sentence.spaced, "[a-z]"),
        (CHINESE, sentence.tight, HAN_LETTER),
    ):
        for start in _beginnings(skeleton.text) if re.search(letter, skeleton.text) else ():
            for template in templates:
                match = template.pattern.match(skeleton.text, start)
                if match and (found := _command_of(template, match, skeleton, sentence)):
                    yield replace(found, confidence="unclear") if start and template.moves_away else found


def _beginnings(text: str) -> Iterator[int]:
    """Where a template may begin: at the front, and after clauses that neither deny, report nor suppose anything."""
    yield 0
    for match in islice(_CLAUSE.finditer(text), 4):
        if denies_or_reports(text[: match.end()]):
            return
        yield match.end()


def _command_of(
    template: Template, match: re.Match[str], skeleton: Skeleton, sentence: Sentence, *, typed: bool = False
) -> Command | None:
    """The command that a match asks for: less sure when something is left over, missing or double; None for no command."""
    if len(sentence.people) > 1 and template.intent != "request":
        return Command("several", confidence="unclear")
    # without an amount, the rest must be set off, or the match may be the beginning of any sentence
    rest = read_remainder(template, skeleton, match.end(), typed=typed)
    if rest is None or not (AMOUNT in match[0] or (rest.fits and rest.apart)):
        return None
    # a typed name counts only in a command, or beside an amount, and not beside a mention
    person = _person_in(template.intent, match, skeleton, sentence)
    by_name = person is not None and person.name is not None and PERSON not in match[0]
    if by_name and (sentence.people or not (typed or AMOUNT in match[0])):
        return None
    amount = _amount_in(match, sentence)
    sure = (
        template.sure
        and rest.fits
        and (not by_name or (typed and bool(amount or sentence.until)))
        and not _PRONOUN.search(match[0])
        and _has_one_reading(amount, template.intent)
    )
    confidence = "unclear" if not sure else "exact" if typed else "clear"
    return Command(
        template.intent, person=person, amount=amount, reason=rest.reason, until=sentence.until,
        confidence=confidence,
    )  # fmt: skip


_PRONOUN = re.compile(r"\b(?:him|her|them)\b|[他她]|\bta\b")


def _person_in(intent: str, match: re.Match[str], skeleton: Skeleton, sentence: Sentence) -> Person | None:
    if PERSON in match[0]:
        return sentence.people[0]
    if intent == "borrow" and match.string.startswith(PERSON):  # @bob, any quota left? lend me 50
        return sentence.people[0]
    group = next((group for group, value in match.groupdict().items() if value), None)
    return Person(name=skeleton.original(*match.span(group))) if group else None


def _amount_in(match: re.Match[str], sentence: Sentence) -> str | None:
    """The number in its place. Several amounts in one sentence are all returned: together they are no number."""
    # the n-th sign of a skeleton stands for the n-th number of the sentence
    before = sum(match.string.count(sign, 0, match.start()) for sign in (AMOUNT, COUNT))
    inside = sum(match[0].count(sign) for sign in (AMOUNT, COUNT))
    meant = [
        span
        for place, span in enumerate(sentence.numbers)
        if span.sign == AMOUNT or before <= place < before + inside
    ]
    return " ".join(span.text for span in meant) or None


def _has_one_reading(amount: str | None, intent: str) -> bool:
    """Whether everybody reads the same number, or no amount is given. `all` is no amount to request."""
    if not amount:
        return True
    read = _reading(amount)
    return intent != "request" if isinstance(read, All) else read is not None and read[1]


def _reading(amount: str) -> All | tuple[str, bool] | None:
    """An amount as a plain decimal, in the first unit that it fits, and whether that is sure."""
    for unit in Unit:
        with suppress(BadAmount, AmbiguousAmount):
            read = parse(amount, unit)
            return read if isinstance(read, All) else (plain(read.amount, unit), read.sure)
    return None


# ── what moves nothing ──────────────────────────────────────────────────────────────────────────────


def _question(sentence: Sentence) -> Command | None:
    """A question about a topic. A text with people or amounts in it must be one; any other may only resemble one."""
    spaced, tight = sentence.spaced.text, sentence.tight.text
    intent = topic_of(spaced, tight)
    if intent == "lang":
        return Command(
            intent,
            confidence="clear",
            code="zh" if re.search("zh|chinese|mandarin|中文|汉语|普通话", tight) else "en",
        )
    if intent:
        return Command(intent, confidence="clear")
    close = None if sentence.people or sentence.numbers else closest_topic(spaced)
    return Command(close, confidence="unclear") if close else None


def _misspelt_command(sentence: Sentence) -> Command | None:
    """A typed command with a typo in its first word: always confirmed first."""
    first = re.match("[A-Za-z]{3,10}(?![A-Za-z])", sentence.source)
    meant = first and process.extractOne(first[0].lower(), COMMANDS, scorer=fuzz.ratio, score_cutoff=80)
    if not first or not meant or meant[0] == first[0].lower():
        return None
    mended = Sentence.read(meant[0] + sentence.source[first.end() :], None)
    found = _decision(mended) or _typed_command(mended)
    return replace(found, confidence="unclear", until=sentence.until) if found else None
