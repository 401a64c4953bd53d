"""The words of a sentence around the command: courtesy, a reason, or a doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER, PERSON, Template
from handlers.language.sentence import Skeleton


@dataclass(frozen=True)
class Remainder:
    """The words after a match.

    `fits`: nothing but courtesy and a reason. `apart`: a mark or a word sets the reason off.
    `certain`: empty, or a word says that it is a reason, and no word names another time.
    """

    fits: bool
    reason: str = ""
    apart: bool = True
    certain: bool = True


def read_remainder(template: Template, skeleton: Skeleton, end: int, *, typed: bool) -> Remainder | None:
    """None when the words after the match turn it into a statement or take it back."""
    text = skeleton.text
    # 1. skip courtesy
    courtesy = _COURTESY.match(text, end)
    start = courtesy.end() if courtesy else end
    if _is_statement(template, text, end, start):
        return None
    # 2. a question mark asks for a statement, not for a transfer
    asks = re.search("[?吗么]" if template.moves_away else "[?]", text[end:])
    fits = not (asks and (typed or template.moves_away))
    if start == len(text.rstrip("?")):
        return Remainder(fits, certain=not _ANOTHER_TIME.search(text[end:]))
    # 3. the rest is a reason if it begins like one and casts no doubt
    marker = _REASON.match(text, start)
    apart = bool(re.search("[,.;:(-]", text[end:start]) or (marker and marker["marker"]))
    if (
        not (typed or marker or apart)
        or retracts(text[end:])
        or _DOUBTS.match(text, start)
        or (not apart and _IS_PAST.match(text, start))
    ):
        return Remainder(fits=False)
    reason = clean_reason(skeleton.original(marker.end() if marker else start))
    return Remainder(fits, reason, apart, _is_certain(template, text[start:], marker))


def read_reason(skeleton: Skeleton, end: int) -> Remainder:
    # After `request 200` everything is the reason, as written, with its day; doubts only make it less sure.
    rest = skeleton.text[end:]
    start = end + len(rest) - len(rest.lstrip(" ,.;:!()~-"))
    marker = _MARKER.match(skeleton.text, start)
    marked = marker is not None and not skeleton.between(end, start).strip(_MARKS)
    written = skeleton.after(marker.end() if marker and marked else end)
    doubtful = re.search(r"[?吗么]\W*$", rest) or retracts(rest) or _DOUBTS.match(rest.lstrip(" ,.;:"))
    if _COURTESY.fullmatch(rest):
        return Remainder(not doubtful, certain=not _ANOTHER_TIME.search(rest))
    certain = bool(marker or _WORK.match(rest.lstrip(" ,.;:!()-"))) and not _ANOTHER_TIME.search(rest)
    return Remainder(not doubtful, clean_reason(written), certain=certain)


def _is_certain(template: Template, rest: str, marker: re.Match[str] | None) -> bool:
    named = marker and marker["marker"] and not (template.moves_away and marker["marker"].startswith("to"))
    return bool(named or _WORK.match(rest)) and not _ANOTHER_TIME.search(rest)


def retracts(text: str) -> bool:
    return _RETRACTS.search(text.lower()) is not None


def denies_or_reports(clause: str) -> bool:
    return _DENIES_OR_REPORTS.search(clause) is not None


def clean_reason(text: str) -> str:
    bare = _THANKS.sub("", text).strip(_MARKS)
    return _BECAUSE.sub("", bare).strip(_MARKS)


def _is_statement(template: Template, text: str, end: int, start: int) -> bool:
    if _CONTRADICTS.match(text, start):
        return True
    if not template.sure and AMOUNT not in text[:start] and re.search("[吗么?]", text[end:start]):
        return True  # a question about a state
    return template.moves_away and retracts(text[end:]) and not _REASON.match(text, start)


_COURTESY = re.compile(
    r"(?:[ ,.;:!()~-]*(?:(?:please|pls|plz|thanks(?: a lot| so much| in advance)?|thank you(?: so much)?|thx|ty|cheers|right now|now|today|tonight|asap|"
    r"urgently|if (?:you can|possible|that'?s ok(?:ay)?|you don'?t mind)|when you can|for (?:now|me|today)|more|extra|again|back|to me|this (?:week|month)|"
    r"will you|would you|can you|man|mate|bro|buddy|guys|everyone|folks|temporarily|too|as well|somehow|in full|all of it)(?!\w)"
    rf"|{PERSON}(?=[.!?]*$)|行吗|行不行?|好吗|好不好|可以[吗不]|谢谢(?:大家|你|您)?|谢了|多谢|感谢|拜托了?|急用?(?=$|[,.!])|麻烦(?:你|您|了)*|过[去来]|出来|一下|用用|"
    r"就(?:行|够|可以)了?|即可|应急(?=$|[,.!])|江湖救急|大佬|不(?=[?.!]*$)|(?:怎么办|咋办|咋整)呢?|给我|求(?:支援|助|帮忙)|救急|救命|[吗吧呗么嘛啊哈呀哦先]))*"
    r"[ ,.;:!()~-]*"
)
_THANKS = re.compile(
    r"(?i)[\s,，.。!！;；]*(?:(?:please|pls|thanks|thank you|thx|谢谢|多谢|拜托)[\s,，.。!！]*)*[?？]*$"
)
_MARKS = " ,，.。;；:：()（）-"
_BECAUSE = re.compile("(?i)^(?:because(?: of)?|since|reason:?|因为|由于|理由(?:是|[:：])?|原因是?)(?![a-z])")
_REASON = re.compile(  # words that only introduce a reason are no part of it
    r"(?P<marker>(?:for|to|because(?: of)?|cause|cuz|coz|since|as|so that|so|reason(?: is)?:?|it'?s for|need(?:ed)? (?:it )?(?:for|to))\s|"
    rf"用来|用于|为了|因为|由于|理由(?:是|:)?|原因(?:是|:)?|说明:|备注:)|(?=(?:i|i'?m|we|we'?re|he|she|they|need) )|(?={HAN_LETTER})"
)
_MARKER = re.compile(
    r"(?:for|to|because(?: of)?|cause|cuz|coz|since|so that|reason(?: is)?:?|it'?s for|need(?:ed)? (?:it )?(?:for|to))\s|用来|用于|为了|因为|由于|理由(?:是|:)?|原因(?:是|:)?|说明:|备注:"
)
_WORK = re.compile(  # a reason that begins with a word for work needs no word that introduces it
    r"(?:(?!\w*[^s]s\b)\w+ )?(?:load|stress|regression|integration|smoke|unit|user)? ?(?:tests?|testing|demo|prototype|migration|review|release|sprint|experiment|evaluation|benchmark|"
    r"project|launch|research|reason|rollout|refactor(?:ing)?|debugging|hackathon|workshop|training|deployment|set)\b(?! (?:pens?|cases? of|kits?))|(?:run|finish|do|fix|build|test|train|debug|"
    r"write|ship|try) \w|prototype\b|[做跑测写修搞练用赶改调补]|压测|评测|上线|演示|原型|价格页|项目|理由|训练|回归|研究|实验|冲刺|加班|月底|人手|开发|调试|重构|迁移|发布|复现|排查|验证|文档|翻译|代码"
)
_ANOTHER_TIME = re.compile(  # a day or a rhythm that is not read: an echo shows that it was not
    r"\b(?:every|each|weekly|daily|monthly|hourly|per|(?:on|from|starting|next|this|by) (?:mon|tue|wed|thu|fri|sat|sun)\w*|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|again|tomorrow)\b|每[天周月日年个]|[周星期礼拜][一二三四五六日天]|明天|后天|下周|下个?月"
)
_CONTRADICTS = re.compile(  # it was, is or would be; not that it shall be
    r"(?:was|is|were|are|has|had|have|did|does|would|should|could|might|already|yesterday|last|ago|earlier|said|says|(?:he|she|they) said)\b|"
    r"[了过是完呢]|的(?!额度)|来着"
)
_DOUBTS = re.compile(
    r"(?:and|or|but|if|when|unless|only|once|after|tomorrow|later|next|maybe|perhaps|not|no|never|don'?t|at|then|than|per|a day|each|"
    rf"(?:for|to) (?:{PERSON}|him|her|them|us))(?!\w)|[{AMOUNT}{COUNT}{PERSON}]|但|不过|如果|要是|假如|的话|会|应该|可能|不|没|别|还是|明天|后天|下周|下个?月|以后|之后|"
    "和|跟|给|到|或|够"
)
_RETRACTS = re.compile(
    r"\b(?:kidding|jk|psych|never ?mind|nvm|mistake|joke|bad idea|regret\w*|scratch that|second thoughts?|forget it|wait|don'?t|do not|actually|not|oops|no)\b|"
    "算了|开玩笑|才怪|骗你|假的|反悔|逗你|别借|不借|除非|别当真|打错|等等"
)
_IS_PAST = re.compile("[^,.;]*(?:了|的事情?)[.!~]*$")
_DENIES_OR_REPORTS = re.compile(
    r"\b(?:hypothetic\w*|pretend|assuming|suppose|imagine|example|said|says|say|told|tells?|asked|asks|heard|thinks?|thought|wants|wanted|wrote|writes|if|"
    r"when|unless|do not|not to|never|should(?:n'?t)?|would|yesterday|last|already|might|maybe)\b|\bdon'?t (?!have)|说|讲|告诉|问(?!题)|听|据|如果|要是|假如|假设|"
    r"万一|别|不要|不用|不想|不能|勿|昨天|前天|上次|上周|已经(?!用)|之前|曾|例如|比如|应该|可能|没(?!有?(?:额度|token|钱|了))|为什么|该不该|让我|拒绝|[\"“「]"
)
