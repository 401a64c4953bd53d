"""Fill a command from the only person and the only number of its sentence, whatever words stand around them."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.command import Command, Person
from handlers.language.amounts import has_one_reading
from handlers.language.decisions import code_in
from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER, NAME_EN, NAME_ZH, SURNAMES, UNIT_ZH
from handlers.language.names import likely_name
from handlers.language.sentence import Sentence, Skeleton

NEEDS_PERSON = frozenset({"lend", "borrow", "repay", "recall", "forgive", "delegate"})
MAY_NAME = frozenset({"withdraw", "pause", "resume", "mute", "unmute"})
"""Intents that may be about somebody, and about the sender or everybody without a name."""
TAKES_AMOUNT = frozenset({"give", "lend", "borrow", "repay", "recall", "forgive", "request"})


def filled(command: Command, sentence: Sentence) -> Command:
    # A target (`to 500`) is no amount.
    found = command
    if found.intent in NEEDS_PERSON | MAY_NAME and found.person is None:
        found = replace(found, person=person_in(sentence), until=found.until or sentence.until)
    if found.intent in TAKES_AMOUNT:
        found = replace(found, amount=_amount(found, sentence))
    sure = has_one_reading(found.amount, found.intent)
    return found if found == command or sure else replace(found, confidence="unclear")


def person_in(sentence: Sentence) -> Person | None:
    """The only mention, else the only name in a place where names stand."""
    if sentence.people:
        return sentence.people[0] if len(sentence.people) == 1 else None
    names = {
        _named(skeleton, match)
        for pattern, skeleton in ((_NAME_PLACES_EN, sentence.spaced), (_NAME_PLACES_ZH, sentence.tight))
        for match in pattern.finditer(skeleton.text)
    }
    names = {name for name in names if not (code_in(name) or name.startswith(_DAYS))}
    if not any("·" in name for name in names) and (likely := likely_name(sentence)):
        return Person(name=likely)
    return Person(name=names.pop()) if len(names) == 1 else None


def lone_person(sentence: Sentence) -> Person | None:
    """The person of a sentence that is a mention or a name and nothing else: an answer to `To whom?`."""
    words = _BEFORE_A_NAME.sub("", sentence.source).strip(" .,!。，！")
    if len(sentence.people) == 1:
        return (
            sentence.people[0]
            if len(sentence.taken) == 1 and words in ("", sentence.source[slice(*_span(sentence))])
            else None
        )
    if sentence.taken or not _NAME_ALONE.fullmatch(words.lower()):
        return None
    return Person(name=words)


def _span(sentence: Sentence) -> tuple[int, int]:
    return sentence.taken[0].start, sentence.taken[0].end


def names_a_target(sentence: Sentence) -> bool:
    """Whether the only number is the new limit, not how much more."""
    return len(sentence.amounts) == 1 and _TARGET.search(sentence.tight.text) is not None


def _amount(command: Command, sentence: Sentence) -> str | None:
    if command.intent == "request" and names_a_target(sentence):
        return None
    if command.amount:
        return command.amount
    meant = sentence.amounts or [span.text for span in sentence.numbers]
    if not meant and command.intent in _MAY_BE_ALL and _EVERYTHING.search(sentence.tight.text):
        return "all"
    return meant[0] if len(meant) == 1 else None


def _named(skeleton: Skeleton, match: re.Match[str]) -> str:
    group = match.lastgroup or ""
    return skeleton.original(*match.span(group)).removesuffix("'s")


_DAYS = ("明天", "今天", "后天", "周末")
_MAY_BE_ALL = frozenset({"give", "lend", "repay", "recall", "forgive"})
_EVERYTHING = re.compile(
    r"\b(?:all of (?:it|mine|them)|everything|every last|the lot|in full|all (?:my|the rest|i))\b|全部|全都|全(?=[还借给充捐抽收免退])|所有|[剩余]下?的(?:都|全)"
)
_BEFORE_A_NAME = re.compile(r"(?i)^(?:to|for|it'?s for|给|借给|是)\s*")
_NAME_ALONE = re.compile(rf"{NAME_EN}(?: {NAME_EN}){{0,3}}|{NAME_ZH}(?:[(（][^()（）]{{1,20}}[)）])?")
_TARGET = re.compile(
    rf"(?:(?:raise|increase|bump|lift|set|up|extend|change|make|get|bring|put)\b.*\b(?:quota|limit|cap|budget|allowance|it|me)\b.*?to)(?:a total of)?{AMOUNT}"
    rf"|(?:加|提|调|涨|补|升|改|变|增加|提高|提升|上调|调整|追加|扩|设)(?:高|大)?(?:到|至|成|为){AMOUNT}"
)
_HAN_NAME = (
    rf"(?:{HAN_LETTER}{{1,5}}·{HAN_LETTER}{{1,6}}?|[小老阿大][{SURNAMES}](?!{HAN_LETTER}{{3}})|(?:欧阳|司马|上官|诸葛|东方|夏侯|皇甫|尉迟|公孙|慕容|司徒)·?{HAN_LETTER}{{1,2}}?|[{SURNAMES}](?!{UNIT_ZH}){HAN_LETTER}{{1,2}}?)"
    rf"(?=$|[^\w]|[的把欠借还给要能没有可不说用{AMOUNT}{COUNT}了吧]|转|拨|匀|代|替|审|那)"
)
_NAME_PLACES_ZH = re.compile(
    rf"(?:给|向|跟|找|问|让|叫|从|管|借(?!给)|还清?掉?|免了?掉?|收回|欠|支援|帮|托|由|^|[,.!;])(?P<one>{_HAN_NAME})"
    rf"|(?:给|向|跟|找|问|让|从|管|还|免了?|收回|欠|支援|转)(?P<two>[a-z]{{2,12}}(?<!quota)(?<!token)(?<!tokens)(?<!claude)(?<!gpt)(?<!team)(?<!pool)(?<!teh))(?=[\s{AMOUNT}借把的欠]|$)"
)
_VERBS_EN = "lend|loan|give|send|repay|pay|pay back|forgive|recall|ask|let|owe|hand|spot|reimburse|settle with|square up with|mute|pause|resume|withdraw|stop|block|delegate"
_NAME_PLACES_EN = re.compile(
    rf"(?:\b(?:to|from|off|with|of|by|for)|\b(?:{_VERBS_EN})) (?P<one>{NAME_EN})(?=$|[\s,.!?]|'s)"
    rf"|(?:^|\b(?:of|off|forget|drop|waive|cancel|forgive|clear|about) )(?P<two>{NAME_EN})(?='s (?:debt|loan|{AMOUNT}))"
    rf"|^(?P<three>{NAME_EN}) (?=(?:covers?|approves?|decides?|stands? in|takes? over|handles?|owes?|can keep|ran out|needs)\b)"
)
