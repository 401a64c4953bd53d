"""Sentences about everything that waits, an emergency or the budget: whole patterns, which are always confirmed or only shown."""

from __future__ import annotations

import re

from handlers.command import Command
from handlers.language.grammar import AMOUNT
from handlers.language.remainder import denies_or_reports, retracts
from handlers.language.sentence import Sentence

_PLEASE = r"(?:(?:please|pls|ok|okay|yes|just|can you|could you|i|let'?s|i want to|i'?d like to),? )*"
_PLEASE_ZH = "(?:请|麻烦|帮我|把|我|好的?|行|那|就|先|直接|,)*"
_WHOLES = tuple(
    (intent, re.compile(english), re.compile(chinese))
    for intent, english, chinese in (
        (
            "approve_all",
            (rf"{_PLEASE}(?:approve|accept|grant|sign off|ok) (?:on )?(?:everything|all|all of (?:them|it)|them all|the lot|(?:all )?(?:of )?(?:my|the) (?:pending|open|waiting) (?:requests|approvals))"
            r"(?: (?:that(?:'s| is)? (?:waits?|waiting|open|pending)|waiting|open|pending)(?: for me)?)?(?: for me)?(?:,? (?:please|pls|thanks))?[.!]?"),
            rf"{_PLEASE_ZH}(?:待办|待审批的?|待我审批的?|等我批的?|所有(?:的)?(?:申请|单子)|这些(?:申请|单子)?)?(?:都|全部?|统统|一起|一次性)(?:给我)?(?:同意|批准|批|通过|准)(?:了|掉)?(?:吧)?[.!]?",
        ),
        (
            "emergency",
            (rf"{_PLEASE}(?:(?:this is|it'?s) an emergency[,.!:]? ?.*(?:quota|credits|tokens|money|{AMOUNT}).*|(?:need|take|use|get|give me|want)(?: (?:some|the|my|an))? emergency (?:quota|credits|tokens|top[- ]?up|grant)"
            rf"(?:[, ]+(?:of )?{AMOUNT})?|emergency[,:!]? (?:give me |i need |need )?(?:quota|credits|tokens|{AMOUNT})|break (?:the )?glass(?:[, ]+{AMOUNT})?)(?:,? (?:please|pls|now))*[.!]?"),
            rf"{_PLEASE_ZH}(?:要|用|给我|来点|来|动用|申请|启用)*(?:一点)?紧急额度(?:来|给我|要)?{AMOUNT}?(?:吧)?[.!]?|(?:现在)?(?:情况)?紧急(?:情况)?,(?:先)?(?:给我|来|要){AMOUNT}?(?:点|一点|些)?(?:额度)?(?:吧)?[.!]?",
        ),
        (
            "budget",
            r"(?:show(?: me)?|see|check|what about|how (?:is|are)|how'?s) (?:the |all )?budgets?(?: (?:doing|looking|going|status))?(?: please)?[?.]?",
            "(?:看一?下|看看|查一?下|查看|给我看)?(?:各组|各团队|各部门|全?公司)?的?预算(?:怎么样|如何|情况|进度|执行)?(?:了)?[?]?",
        ),
    )
)  # fmt: skip


def whole_sentence(sentence: Sentence) -> Command | None:
    """`approve everything that waits for me`, `I need emergency quota`, `各组预算怎么样了`; None when denied or told."""
    spaced, tight = sentence.spaced.text, sentence.tight.text
    for intent, english, chinese in _WHOLES:
        if not (english.fullmatch(spaced) or chinese.fullmatch(tight)):
            continue
        if denies_or_reports(spaced) or retracts(spaced) or sentence.people:
            return None
        amount = " ".join(sentence.amounts) or None
        return Command(intent, amount=amount if intent == "emergency" else None, confidence="clear")
    return None
