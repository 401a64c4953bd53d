"""The likeliest meaning of a sentence that no template knows. Always unclear, so it is shown or asked back."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.command import Command
from handlers.language.classifier import LONGEST, classifier
from handlers.language.decisions import code_in
from handlers.language.remainder import denies_or_reports, retracts
from handlers.language.sentence import Sentence
from handlers.language.slots import NEEDS_PERSON, TAKES_AMOUNT, filled
from handlers.language.typed import DECISIONS

LIKELY = 0.15
"""From this probability on a guess is the answer: thirty others are less likely."""
MARGIN = 1.25
"""How much likelier than small talk a guess must be."""
LIKELY_IN_DOUBT = 0.45
"""The same where words sound like a denial, a report or the past."""
SURER_THAN_A_TEMPLATE = 0.75
"""From this probability on a guess is believed against a template that is not exact."""
CHATTER = 0.85
"""From this probability on a sentence is small talk, and offers nothing."""
POSSIBLE = 0.05
"""From this probability on an intent is worth a button."""


def guess(sentence: Sentence) -> Command | None:
    """None for chatter, doubts, and whatever is denied or reported."""
    if not _may_be_asked(sentence):
        return None
    (intent, probability), (next_intent, next_probability) = classifier().ranked(sentence)[:2]
    if intent == "none" or probability < LIKELY or _is_denied(intent, sentence):
        return None
    if next_intent == "none" and probability < next_probability * MARGIN:
        return None
    if probability < LIKELY_IN_DOUBT and not _fits(intent, sentence):
        return None
    return read_as(intent, sentence)


def corrected(found: Command, sentence: Sentence) -> Command | None:
    """What a template read, or what the corpus says of the whole sentence where that is surer. None for small talk."""
    if found.exact or not _may_be_asked(sentence):
        return found
    intent, probability = classifier().ranked(sentence)[0]
    if intent == found.intent or probability < SURER_THAN_A_TEMPLATE:
        return found
    if intent == "none":
        return found if found.intent in NEEDS_PERSON | TAKES_AMOUNT | set(DECISIONS) else None
    return guess(sentence) or found


def _decision(intent: str, sentence: Sentence) -> Command:
    """With every number that is named: of two together no amount can be read, and one that is said must not be lost."""
    found = Command(intent, code=_code_of(sentence), confidence="unclear")
    if intent == "approve":
        return replace(found, amount=" ".join(sentence.amounts) or None)
    return replace(found, reason=sentence.source) if intent in ("ask", "answer") else found


def _code_of(sentence: Sentence) -> str:
    # Phones write small letters.
    return code_in(sentence.source) or code_in(sentence.source.upper())


def read_as(intent: str, sentence: Sentence) -> Command:
    """The sentence, if it means this: with the person, the amount and the CODE that it names."""
    if intent in DECISIONS:
        return _decision(intent, sentence)
    return filled(Command(intent, confidence="unclear"), sentence)


def candidates(sentence: Sentence) -> list[str]:
    """Up to three intents, the likeliest first; none for chatter."""
    if not _may_be_asked(sentence):
        return []
    ranked = classifier().ranked(sentence)
    if ranked[0][0] == "none" and ranked[0][1] >= CHATTER:
        return []
    offered = [intent for intent, probability in ranked if probability >= POSSIBLE]
    return [intent for intent in offered if intent not in ("none", "answer")][:3]


def _may_be_asked(sentence: Sentence) -> bool:
    source = sentence.source
    return (
        1 < len(source) <= LONGEST and len(sentence.people) < 2 and re.search(r"[^\W\d_]", source) is not None
    )


def _is_denied(intent: str, sentence: Sentence) -> bool:
    """Whether the very act is denied: `don't lend bob 50`. However likely the intent seems, it is none."""
    text = f"{sentence.spaced.text} {sentence.tight.text}"
    if intent in _NEEDS_CODE and (not _code_of(sentence) or _ONLY_TALK.search(sentence.tight.text)):
        return True
    return intent in _ACTS and _DENIES_THE_ACT.search(text) is not None


def _fits(intent: str, sentence: Sentence) -> bool:
    # The vetoes: a sentence that denies, reports, supposes or tells moves nothing, and a decision needs its CODE.
    text = f"{sentence.spaced.text} {sentence.tight.text}"
    if intent in _SAYS_NO:
        if intent == "no_asks" and sentence.people:
            return False
        coded = intent not in DECISIONS or intent == "cancel" or bool(_code_of(sentence))
        return coded and not (_TOLD.search(text) or _UNDECIDED.search(text))
    if intent in DECISIONS:
        asked_or_told = _TOLD.search(text) or _DENIED.search(text) or re.search("[?吗]|没通过|没批", text)
        return bool(_code_of(sentence)) and (intent in ("ask", "nudge") or not asked_or_told)
    if intent in NEEDS_PERSON | TAKES_AMOUNT | {"resume"}:
        vetoed = denies_or_reports(_HARMLESS.sub("", text)) or retracts(_HARMLESS.sub("", text))
        return not (vetoed or _DENIED.search(text) or _TOLD.search(text) or _PAST.search(text))
    if intent == "pending" and _DECIDED.search(text):
        return False
    return not sentence.amounts and (intent != "help" or _OURS.search(text) is not None)


_NEEDS_CODE = frozenset({"approve", "decline", "revoke", "answer"})
_ACTS = frozenset({"lend", "borrow", "request", "approve", "repay", "give", "delegate"})
_DENIES_THE_ACT = re.compile(
    r"\b(?:don'?t|do not|never|won'?t|will not|not (?:going to|gonna)|didn'?t|did not|refuse to|no need to) (?:please |ever |just |even )?"
    r"(?:lend|loan|give|send|move|transfer|borrow|request|ask (?:for|my)|approve|accept|repay|delegate)\b"
    r"|(?:别|不要|不用|先别|不准|不许|没有要|没要|不想|不会)(?:再|急着|真的?)?(?:借给|借他|借她|借钱|批|同意|转给|给他|给她|还钱|还给)"
)
_ONLY_TALK = re.compile(  # whether it was decided, and what others say of it
    r"(?:approved|declined|rejected|passed|granted)\?$|[吗么]\W*$|没通过|没批|^(?:他|她|老板|领导|主管|听)说|^(?:he|she|they|my \w+) (?:said|says)\b|^(?:has|was|is|did|have)\b.*\?$"
)
_SAYS_NO = frozenset({"decline", "cancel", "withdraw", "undelegate", "pause", "mute", "no_asks"})
"""Intents in which people deny something, and mean it."""
_DECIDED = re.compile(
    r"^(?:my |the )?(?:manager|boss|lead|team ?lead) (?:has |just )?(?:approved|declined)|(?:老板|经理|主管|领导)(?:已经)?(?:批|通过|拒绝)了(?!吗|没)"
)
_UNDECIDED = re.compile(
    r"\b(?:haven'?t decided|not sure|maybe|perhaps|should i|don'?t (?:pause|mute|decline|cancel|approve)|(?:not|never) (?:pause|mute|decline))\b|还没想好|要不要|别(?:暂停|停|屏蔽|拒绝|撤|批)|不要(?:暂停|屏蔽|拒绝|撤回)|先别"
)
_OURS = re.compile(
    r"carr(?:y|ies) over|rules?|how (?:this|it|does|works?)|say to you|lend|lent|borrow|loan|repay|pay|quota|token|credit|budget|request|approv|limit|balance|spend|spent|charge|overdraft|bot\b|type|command|ask"
    r"|额|借|还|申请|审批|预算|余额|用|花|机器人|命令|透支|积分|超|结转|规则|帮|操作"
)
_HARMLESS = re.compile(  # words that sound like a doubt and are none: telling the boss, what is not used, a debt let off
    r"(?:跟|和|同|与|找|问|让|向)(?:我们?的?)?(?:老板|经理|主管|领导|组长|上级)(?:说|讲|问|提)?(?:一?声|一?下)?|\b(?:ask|tell) my (?:boss|manager|lead)\b"
    r"|没有?用(?:完|掉|到)?|没还|没有?额度|\b(?:not|doesn'?t|isn'?t|hasn'?t|don'?t (?:need|have|worry)|never ?mind|forget(?: about)? what)\b|不用|算了"
)
_DENIED = re.compile(
    r"\b(?:don'?t|do not|never|won'?t|will not|shouldn'?t|not (?:going|gonna|lend|borrow|ask|request)|didn'?t|can'?t|no need|stop)\b(?! (?:worry|use|using))(?!.*\b(?:pay|repay|return|owe|use|need to)\b)"
    r"|\b(?:refuse|promised?|will lend me|thanks? .*for|example)\b|没有借|没必要|可能|难道|不借|是个?错|谢谢.*借我|(?<!差)别(?!人|的)|不要|不想|不准|不许|不能|不给|不借(?!我)|没借|没要|勿|没有要"
)
_TOLD = re.compile(
    r"\b(?:he|she|they|bob|carol|boss|somebody) (?:said|says|asked|asks|told|wants?|wanted|thinks?)\b|\b(?:said|heard|wrote|suppose|imagine|what if|should (?:i|we)|if (?:i|he|she|they|we)|would have|hypothetical\w*)\b"
    r"|他说|她说|听说|据说|说要|说不|说过|让我|问我|如果|要是|假如|假设|万一|应不应该|该不该|要不要|为什么"
)
_PAST = re.compile(
    r"\b(?:yesterday|last (?:week|month|night|year)|ago|earlier|already|lent (?!to\b)(?:him|her|them)|used to)\b|昨天|前天|上周|上个?月|已经|曾经|之前借|借过"
)
