"""A sentence in English or Chinese → what is asked for.

People, numbers and days are taken out of the sentence first; what is left is compared with the typed grammar (`exact`), then with the
ways people ask (`clear`), then with whole phrases (`unclear`). Money moves by a sentence only if the whole of it says so: what is
negated, reported, supposed, past or somebody else's is `none`, and a rest that is no reason makes it `unclear`. Whatever is not `exact`
is said back before anything moves. Nothing here looks anything up.
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
from handlers.language import phrases, questions
from handlers.language.phrases import HAN, OTHER, A, P, Template
from handlers.language.reason import belies, read_rest, takes_back, trimmed
from handlers.language.sentence import Sentence, Skeleton
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
        _word(sentence)
        or _decision(sentence)
        or _command(sentence)
        or _wish(sentence)
        or _question(sentence)
        or _misspelt(sentence)
        or NOTHING
    )


def prepare() -> Iterator[object]:
    """Compile, piece by piece, what the first plain sentence of a process would wait for: half a second in all."""
    yield understand("申请两百块")
    for template in (*phrases.TYPED, *phrases.ENGLISH, *phrases.CHINESE):
        yield template.pattern


# ── words and codes ─────────────────────────────────────────────────────────────────────────────────

_WORDS = tuple((intent, re.compile(words)) for intent, words in (phrases.WORDS | phrases.BARE).items())
_LANG = re.compile(r"(?:lang|language|语言)[ :]*(?P<locale>en|zh)\w*")
_CODE = r"#?(?P<code>(?![0-9]+[a-z]?\b)(?=[a-z]*[0-9])[a-z0-9]{4,8}|(?-i:[A-Z]{4,8}))(?![A-Za-z0-9])"
_DECISIONS = tuple(
    (intent, re.compile(rf"(?i)(?P<please>(?:(?:please|pls|plz|ok|okay|yes|请|麻烦|我|好的?|行|可以)[\s,，]*)*)(?:{verbs})(?: it| (?:my |the )?request| ?(?:我的|这个)?申请)?[\s:：]*{_CODE}(?P<rest>.*)"))
    for intent, verbs in phrases.DECISIONS.items()
)  # fmt: skip


def _word(sentence: Sentence) -> Command | None:
    """A command that is one word, or none at all."""
    for intent, words in _WORDS:
        if words.fullmatch(sentence.tight.text):
            return Command(intent)
    match = _LANG.fullmatch(sentence.spaced.text)
    return Command("lang", code=match["locale"]) if match else None


def _decision(sentence: Sentence) -> Command | None:
    """`approve CODE [amount]`, `decline CODE reason`, `cancel CODE`, `revoke CODE`."""
    for intent, pattern in _DECISIONS:
        if match := pattern.fullmatch(sentence.source):
            rest = trimmed(match["rest"])
            found = Command(
                intent,
                confidence="clear" if match["please"] else "exact",
                code=match["code"].upper(),
                reason=rest,
            )
            if re.search("[?？]", match["rest"]) or (intent != "decline" and takes_back(match["rest"])):
                return replace(found, confidence="unclear")
            if intent == "approve" and rest:
                return _granted(found, rest, sentence)
            return replace(found, confidence="unclear") if rest and intent != "decline" else found
    return None


def _granted(found: Command, rest: str, sentence: Sentence) -> Command:
    """An approval may name another amount; anything else after it is for a human to look at."""
    numbers = [span.says for span in sentence.numbers if span.says in rest]
    around = rest.replace(numbers[0], "", 1) if numbers else rest
    if len(numbers) != 1 or not re.fullmatch(
        r"(?i)(?:for|with|at|only|but only|just|只?批|给|按)?\s*(?:only|max)?", around
    ):
        return replace(found, confidence="unclear")
    sure = _certain(numbers[0], "approve")
    return replace(found, amount=numbers[0], reason="", confidence=found.confidence if sure else "unclear")


# ── what moves something ────────────────────────────────────────────────────────────────────────────

_CLAUSE = re.compile(r"[,.;!?:] ?(?=.)")


def _command(sentence: Sentence) -> Command | None:
    """The typed grammar, from the first word on."""
    return _typed(sentence) or (_typed(sentence.typed) if _VERB.match(sentence.source) else None)


_VERB = re.compile(rf"(?i)(?:{'|'.join(phrases.COMMANDS)})\b|借给|向|还|收回|免还|申请")


def _typed(sentence: Sentence) -> Command | None:
    for template in phrases.TYPED:
        skeleton = sentence.spaced if template.english else sentence.tight
        match = template.pattern.match(skeleton.text.replace(OTHER, A))
        if match and (found := _filled(template, match, skeleton, sentence, typed=True)):
            return found
    return None


def _wish(sentence: Sentence) -> Command | None:
    """A plain sentence. Of several readings the first clear one, else the first."""
    found = list(_wishes(sentence))
    return next((one for one in found if one.confidence == "clear"), found[0] if found else None)


def _wishes(sentence: Sentence) -> Iterator[Command]:
    for templates, skeleton, letter in (
        (phrases.ENGLISH, sentence.spaced, "[a-z]"),
        (phrases.CHINESE, sentence.tight, HAN),
    ):
        for start in _beginnings(skeleton.text) if re.search(letter, skeleton.text) else ():
            for template in templates:
                match = template.pattern.match(skeleton.text, start)
                if match and (found := _filled(template, match, skeleton, sentence)):
                    yield replace(found, confidence="unclear") if start and template.moves_away else found


def _beginnings(text: str) -> Iterator[int]:
    """Where a wish may begin: at the front, and after clauses that neither deny, report nor suppose anything."""
    yield 0
    for match in islice(_CLAUSE.finditer(text), 4):
        if belies(text[: match.end()]):
            return
        yield match.end()


def _filled(
    template: Template, match: re.Match[str], skeleton: Skeleton, sentence: Sentence, *, typed: bool = False
) -> Command | None:
    """Put in who, how much and why; less sure where something is left over, missing or double."""
    if len(sentence.people) > 1 and template.intent != "request":
        return Command("several", confidence="unclear")
    rest = read_rest(template, skeleton, match.end(), typed=typed)
    if rest is None or not (A in match[0] or (rest.fits and rest.apart)):
        return None
    person = _who(template.intent, match, skeleton, sentence)
    name = person.name if person else None
    if name and P not in match[0] and (sentence.people or not (typed or A in match[0])):
        return None
    amount = _how_much(match, sentence)
    sure = (
        template.sure
        and rest.fits
        and (P in match[0] or not name or (typed and bool(amount or sentence.until)))
        and not _PRONOUN.search(match[0])
        and _certain(amount, template.intent)
    )
    confidence = "unclear" if not sure else "exact" if typed else "clear"
    return Command(
        template.intent, person=person, amount=amount, reason=rest.reason, until=sentence.until,
        confidence=confidence,
    )  # fmt: skip


_PRONOUN = re.compile(r"\b(?:him|her|them)\b|[他她]|\bta\b")


def _who(intent: str, match: re.Match[str], skeleton: Skeleton, sentence: Sentence) -> Person | None:
    if P in match[0]:
        return sentence.people[0]
    if intent == "borrow" and match.string.startswith(P):  # @bob, any quota left? lend me 50
        return sentence.people[0]
    group = next((group for group, value in match.groupdict().items() if value), None)
    return Person(name=skeleton.original(*match.span(group))) if group else None


def _how_much(match: re.Match[str], sentence: Sentence) -> str | None:
    """The number in its place; every amount of the sentence where there are several, which is no number and says so."""
    before = sum(match.string.count(sign, 0, match.start()) for sign in (A, OTHER))
    inside = sum(match[0].count(sign) for sign in (A, OTHER))
    meant = [
        span
        for place, span in enumerate(sentence.numbers)
        if span.sign == A or before <= place < before + inside
    ]
    return " ".join(span.says for span in meant) or None


def _certain(amount: str | None, intent: str) -> bool:
    """Whether an amount, if there is one, is one number to everybody; `all` of what, when asking a manager?"""
    if not amount:
        return True
    read = _reading(amount)
    return intent != "request" if isinstance(read, All) else read is not None and read[1]


def _reading(amount: str) -> All | tuple[str, bool] | None:
    """An amount as a plain decimal in whatever unit it fits, and whether that is sure."""
    for unit in Unit:
        with suppress(BadAmount, AmbiguousAmount):
            read = parse(amount, unit)
            return read if isinstance(read, All) else (plain(read.amount, unit), read.sure)
    return None


# ── what moves nothing ──────────────────────────────────────────────────────────────────────────────


def _question(sentence: Sentence) -> Command | None:
    """What somebody wants to know; what only resembles a question has neither people nor amounts in it."""
    spaced, tight = sentence.spaced.text, sentence.tight.text
    intent = questions.asked(spaced, tight)
    if intent == "lang":
        return Command(
            intent,
            confidence="clear",
            code="zh" if re.search("zh|chinese|mandarin|中文|汉语|普通话", tight) else "en",
        )
    if intent:
        return Command(intent, confidence="clear")
    close = None if sentence.people or sentence.numbers else questions.resembles(spaced)
    return Command(close, confidence="unclear") if close else None


def _misspelt(sentence: Sentence) -> Command | None:
    """A typed command whose first word is nearly one: said back, never done at once."""
    first = re.match("[A-Za-z]{3,10}(?![A-Za-z])", sentence.source)
    meant = first and process.extractOne(
        first[0].lower(), phrases.COMMANDS, scorer=fuzz.ratio, score_cutoff=80
    )
    if not first or not meant or meant[0] == first[0].lower():
        return None
    mended = Sentence.read(meant[0] + sentence.source[first.end() :], None)
    found = _decision(mended) or _command(mended)
    return replace(found, confidence="unclear", until=sentence.until) if found else None
