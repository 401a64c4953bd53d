"""Commands that move something: the typed grammar, and the ways in which people ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from handlers.command import Command, Person
from handlers.language.amounts import has_one_reading
from handlers.language.chinese import CHINESE
from handlers.language.decisions import code_in
from handlers.language.english import ENGLISH
from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER, PERSON, Template
from handlers.language.remainder import denies_or_reports, read_reason, read_remainder
from handlers.language.sentence import Sentence, Skeleton
from handlers.language.typed import COMMANDS, TYPED

_CLAUSE = re.compile(r"[,.;!?:] ?(?=.)")


def typed_command(sentence: Sentence) -> Command | None:
    # After a verb of the grammar, a number is read as an amount even before a noun.
    return _typed(sentence) or (_typed(sentence.typed) if _VERB.match(sentence.source) else None)


_VERB = re.compile(rf"(?i)(?:{'|'.join(COMMANDS)})\b|借给|向|还|收回|免还|申请")


def _typed(sentence: Sentence) -> Command | None:
    for template in TYPED:
        skeleton = sentence.spaced if template.english else sentence.tight
        match = template.pattern.match(skeleton.text.replace(COUNT, AMOUNT))
        if match and (found := _command_of(template, match, skeleton, sentence, typed=True)):
            return found
    return None


def plain_sentence(sentence: Sentence) -> Command | None:
    # The first clear reading, else the one that takes most of the sentence: 借80给张三 lends.
    found = list(_readings(sentence))
    return max(
        found, key=lambda one: (one.confidence == "clear", bool(one.person) + bool(one.amount)), default=None
    )


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
    """Places where a template may begin: the front, and after clauses that deny, report or suppose nothing."""
    yield 0
    for match in islice(_CLAUSE.finditer(text), 4):
        if denies_or_reports(text[: match.end()]):
            return
        yield match.end()


def _command_of(
    template: Template, match: re.Match[str], skeleton: Skeleton, sentence: Sentence, *, typed: bool = False
) -> Command | None:
    """The command of a match; less sure when words are left over, missing or double. None for no command."""
    if len(sentence.people) > 1 and template.intent != "request":
        return Command("several", confidence="unclear")
    # without an amount, the rest must be set off, or the match may be the beginning of any sentence
    brake = template.intent in ("pause", "resume")
    in_order = typed and (brake or template.intent == "request")
    rest = (
        read_reason(skeleton, match.end())
        if in_order
        else read_remainder(template, skeleton, match.end(), typed=typed)
    )
    if rest is None or not (AMOUNT in match[0] or (rest.fits and rest.apart)):
        return None
    # a typed name counts only in a command, or beside an amount, and not beside a mention
    person = _person_in(template.intent, match, skeleton, sentence)
    name = (person.name if person else None) or ""
    by_name = bool(name) and PERSON not in match[0]
    if by_name and (sentence.people or not (typed or AMOUNT in match[0]) or code_in(name)):
        return None
    # what follows a request and is set off is its reason, with whatever it counts
    ends = template.intent == "request" and rest.fits and rest.apart and bool(rest.reason)
    ends = ends and not _AND_MORE.search(skeleton.text, match.end())
    if typed and template.intent == "request":
        amount: str | None = _first_amount(match, skeleton, sentence)
    else:
        amount = None if brake else _amount_in(match, sentence, ends=ends)
    sure = (
        template.sure
        and rest.fits
        and (not by_name or (typed and bool(amount or sentence.until)))
        and not _PRONOUN.search(match[0])
        and has_one_reading(amount, template.intent)
    )
    exact = typed and rest.certain and _is_whole(template.intent, amount, sentence)
    confidence = "unclear" if not sure else "exact" if exact else "clear"
    return Command(
        template.intent, person=person, amount=amount, reason=rest.reason, until=sentence.until,
        confidence=confidence,
    )  # fmt: skip


def _is_whole(intent: str, amount: str | None, sentence: Sentence) -> bool:
    """Whether nothing is left to guess: how much is taken back or forgiven, and what a day means for a loan."""
    if intent in ("recall", "forgive") and not amount:
        return False
    return not sentence.until or intent in ("request", "delegate")


_PRONOUN = re.compile(r"\b(?:him|her|them)\b|[他她]|\bta\b")


def _person_in(intent: str, match: re.Match[str], skeleton: Skeleton, sentence: Sentence) -> Person | None:
    if PERSON in match[0]:
        return sentence.people[0]
    if intent == "borrow" and match.string.startswith(PERSON):  # @bob, any quota left? lend me 50
        return sentence.people[0]
    group = next((group for group, value in match.groupdict().items() if value), None)
    return Person(name=skeleton.original(*match.span(group))) if group else None


def _first_amount(match: re.Match[str], skeleton: Skeleton, sentence: Sentence) -> str:
    # Later numbers belong to the reason, unless they take its place: 200 or 300.
    others = _ANOTHER_AMOUNT.match(skeleton.text, match.end())
    meant = sentence.numbers if others else sentence.numbers[:1]
    return " ".join(span.text for span in meant)


_AND_MORE = re.compile(rf"\b(?:and|or|plus|rather|no|make it)\b ?[{AMOUNT}]|[和或加跟][{AMOUNT}]|[?]")
_ANOTHER_AMOUNT = re.compile(rf"[ ,;]*(?:no|or|and|rather|make it|不对?|或者?|还是|和)[ ,]*[{AMOUNT}{COUNT}]")


def _amount_in(match: re.Match[str], sentence: Sentence, *, ends: bool) -> str | None:
    # Several amounts in one sentence are all returned: together they are no number.
    # the n-th sign of a skeleton stands for the n-th number of the sentence
    before = sum(match.string.count(sign, 0, match.start()) for sign in (AMOUNT, COUNT))
    inside = sum(match[0].count(sign) for sign in (AMOUNT, COUNT))
    meant = [
        span
        for place, span in enumerate(sentence.numbers)
        if before <= place < before + inside or (span.sign == AMOUNT and not (ends and inside))
    ]
    return " ".join(span.text for span in meant) or None
