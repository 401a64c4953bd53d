"""Decisions about a CODE, typed or in people's own words."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.command import Command
from handlers.language.amounts import has_one_reading
from handlers.language.remainder import clean_reason, denies_or_reports, retracts
from handlers.language.sentence import Sentence
from handlers.language.typed import DECISIONS

# ── typed ───────────────────────────────────────────────────────────────────────────────────────────

_CODE = r"#?(?P<code>(?![0-9]+[a-z]?\b)(?=[a-z]*[0-9])[a-z0-9]{4,8}|(?-i:[A-Z]{4,8}))(?![A-Za-z0-9])"
_DECISIONS = tuple(
    (intent, re.compile(rf"(?i)(?P<please>(?:(?:please|pls|plz|ok|okay|yes|请|麻烦|我|好的?|行|可以)[\s,，]*)*)(?:{verbs})(?: it| (?:my |the )?request| ?(?:我的|这个)?申请)?[\s:：]*{_CODE}(?P<rest>.*)"))
    for intent, verbs in DECISIONS.items()
)  # fmt: skip


def typed_decision(sentence: Sentence) -> Command | None:
    """`approve CODE [amount]`, `decline CODE reason`, `cancel CODE`, `revoke CODE`."""
    for intent, pattern in _DECISIONS:
        if match := pattern.fullmatch(sentence.source):
            confidence = "clear" if match["please"] else "exact"
            found = Command(intent, code=match["code"].upper(), confidence=confidence)
            return _decision_with(found, match["rest"], sentence)
    return None


def _decision_with(found: Command, rest: str, sentence: Sentence) -> Command:
    # After the CODE: a reason to decline, or another amount to approve.
    if found.intent in ("ask", "answer"):
        return replace(found, reason=rest.strip(" ,，:："))
    reason = clean_reason(rest)
    if re.search("[?？]", rest) or (
        _TAKES_BACK.search(rest) if found.intent == "decline" else retracts(rest)
    ):
        return replace(found, reason=reason, confidence="unclear")
    if found.intent == "approve" and reason:
        return _approval_of(found, reason, sentence)
    if reason and found.intent != "decline":
        return replace(found, reason=reason, confidence="unclear")
    return replace(found, reason=reason)


_TAKES_BACK = re.compile(  # a reason to decline may well say `not` or `no budget`
    r"(?i)\b(?:no,? wait|wait|kidding|jk|never ?mind|nvm|scratch that|oops|joke|mistake|approve)\b|开玩笑|才怪|算了|等等|打错|通过吧|同意吧"
)


def _approval_of(found: Command, rest: str, sentence: Sentence) -> Command:
    # Words other than an amount make it unclear.
    numbers = [span.text for span in sentence.numbers if span.text in rest]
    around = rest.replace(numbers[0], "", 1) if numbers else rest
    if len(numbers) != 1 or not _ONLY_AN_AMOUNT.fullmatch(around):
        return replace(found, reason=rest, confidence="unclear")
    sure = has_one_reading(numbers[0], "approve")
    return replace(found, amount=numbers[0], confidence=found.confidence if sure else "unclear")


_ONLY_AN_AMOUNT = re.compile(r"(?i)(?:for|with|at|only|but only|just|只?批|给|按)?\s*(?:only|max)?")


# ── in their own words ──────────────────────────────────────────────────────────────────────────────


_YES = (
    "approved?|accepted|granted|i (?:approve|accept)(?: of)?|(?:yes|ok|okay|fine|sure|thumbs up|good|lgtm|go ahead|green light)(?: (?:to|for|on|with))?|is (?:ok|okay|fine|approved)|"
    "[+]1|👍|同意了?|通过了?吧?|批准了?|批了?|准了?|可以的?|行|没问题|好的?|给过|过了?"
)
_NO = (
    "denied|declined?|rejected?|refused?|(?:i )?(?:decline|reject|deny|refuse)|turn(?:ing|ed)? down|(?:no|nope|nay)(?: (?:to|for|on|way|go))?|not (?:approved|ok|okay|this time|now)|is (?:denied|declined|rejected|not ok)|"
    "vetoe?d?|👎|不批准?了?|不同意|不通过|不行|不可以|不给|不准|不能批|拒绝?了?|拒掉|驳回了?|否了|否决了?|打回去?|退回去?|算了"
)
_CANCEL = "(?:take back|withdraw|retract|cancel|drop|scrap|undo) (?:my|the) (?:request|ask)|(?:不要|不用|撤)了?(?:我的)?申请"
_REVOKE = (
    "(?:take back|undo|reverse|revoke|withdraw|pull back|claw back|cancel)(?: the)? (?:approval|grant|top[- ]?up|quota|allocation|money|tokens)(?: (?:of|for|on|from))?|take back what was (?:approved|granted) (?:for|on)|"
    "收回|作废"
)
_BARE_CODE = r"#?(?P<code>(?!(?i:GPT|HTTP|[A-Z]?[0-9]{3}[A-Za-z]?\b))(?=[0-9A-Z]*[A-Z])(?=[0-9A-Z]*[0-9])[0-9A-Z]{4})(?![A-Za-z0-9])"
_PLEASE = (
    r"(?i:(?:(?:please|pls|hi|hey|so|well|then|ok|i|let'?s|把|请|麻烦|那|那个|我|直接|先|帮我)[\s,，]*)*)"
)
_AMOUNT = r"(?P<given>(?:\s*(?:with|for|at|but only|only|but|just|up to|给|批|只|先|就|,|，|:)?\s*[$¥]?[0-9][0-9.,]*[kKmMwW万千百]?(?:块|元|刀)?(?:吧|就行|就好|就够|好了|only)*)?)"
_END = r"(?P<rest>(?:[\s,，.。:：;；!！~-]|吧|了|哈|啊|呗|$).*)"


def _orders(verbs: str) -> str:
    # A name may stand once in a pattern, so each order of verb and CODE is a pattern of its own.
    return rf"{_PLEASE}(?P<verb>(?i:{verbs}))(?: it| request|(?:这个)?申请)?\s*[:：]?\s*{_BARE_CODE}{_AMOUNT}{_END}"


def _turned(verbs: str) -> str:
    gap = r"[\s,，:：-]*(?:(?i:is|was|gets|request|that one|这个|那个|的|我|就|先|申请|额度)[\s,，]*){0,3}"
    return rf"{_PLEASE}{_BARE_CODE}{gap}(?P<verb>(?i:{verbs})){_AMOUNT}{_END}"


_GIVE = r"(?=(?:给|批|准)\s*[0-9])(?:给|批|准)"
_SPOKEN = tuple(
    (intent, re.compile(pattern))
    for intent, pattern in (
        ("revoke", _orders(_REVOKE)),
        ("revoke", _turned("批的额度(?:都)?(?:收回来?|作废)|(?:额度|批准)?(?:收回来?|作废)")),
        ("revoke", rf"{_PLEASE}(?P<verb>收回|取消|作废){_BARE_CODE}(?P<given>)(?P<rest>的?(?:批准|审批|额度|授权).*)"),
        ("cancel", _orders(_CANCEL)),
        ("cancel", _turned("(?:不要了|不用了|撤了吧?|撤回|撤掉|取消(?:吧|了)?)")),
        ("decline", _orders(_NO)),
        ("decline", _turned(_NO)),
        ("approve", _orders(_YES)),
        ("approve", _turned(f"{_GIVE}|{_YES}")),
    )
)  # fmt: skip


def spoken_decision(sentence: Sentence) -> Command | None:
    """`AB12 通过`, `no to AB12`, `拒了7KQ2，先用免费模型`: always confirmed first."""
    if sentence.people:
        return None
    for intent, pattern in _SPOKEN:
        match = pattern.fullmatch(sentence.source)
        if match and not re.search("[?？吗]", match["rest"]):
            before, after = sentence.source[: match.start("verb")], match["rest"]
            said = before if intent == "decline" else before + after
            return (
                None
                if denies_or_reports(said.lower()) or retracts(said)
                else _spoken(intent, match, sentence)
            )
    return None


def code_in(text: str) -> str:
    """The only CODE in a text, or empty."""
    codes = {match["code"] for match in re.finditer(rf"(?<![A-Za-z0-9]){_BARE_CODE}", text)}
    return codes.pop() if len(codes) == 1 else ""


def _spoken(intent: str, match: re.Match[str], sentence: Sentence) -> Command:
    found = Command(intent, code=match["code"].upper(), confidence="clear")
    if intent == "decline":
        return replace(found, reason=clean_reason(match["rest"]))
    amounts = [span.text for span in sentence.typed.numbers if span.text in match["given"]]
    further = [text for text in sentence.amounts if text in match["rest"]]  # AB12 ok, but only 40
    if intent == "approve" and amounts + further:
        found = replace(found, amount=" ".join(amounts + further))
    return found if has_one_reading(found.amount, intent) else replace(found, confidence="unclear")
