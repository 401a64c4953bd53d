"""Typed names in sentences that no template knows: `so Aisha Khan can have it`, `陈姐刚说想借一百五`.

A name is known by its place, its capital letter or its surname. A word of the corpus (`words.txt`) is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER
from handlers.language.sentence import Sentence

WORDS = Path(__file__).with_name("words.txt")


@cache
def known_words() -> frozenset[str]:
    """English words of the corpus, without its names. `make train` writes them."""
    return frozenset(WORDS.read_text(encoding="utf-8").split())


def likely_name(sentence: Sentence) -> str | None:
    """The name in the surest place; None where two places are as sure."""
    found: dict[str, int] = {}
    for rank, name in _names(sentence):
        found[name] = min(rank, found.get(name, rank))
    best = sorted(found.items(), key=lambda one: one[1])
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    return best[0][0]


def _names(sentence: Sentence) -> Iterator[tuple[int, str]]:
    # The smaller the number, the surer the place.
    text = _DEPARTMENT.sub(r"\1", sentence.source)
    for rank, pattern in enumerate(_ENGLISH):
        for match in pattern.finditer(text):
            name = match["name"]
            if _is_name(name):
                yield rank, name
    for rank, pattern in enumerate(_CHINESE):
        for match in pattern.finditer(sentence.tight.text):
            yield rank, sentence.tight.original(*match.span("name"))


def _is_name(name: str) -> bool:
    parts = name.lower().split()
    return not any(part in known_words() or part in _NEVER or re.search(r"\d", part) for part in parts)


_CAPITAL = r"(?a:[A-Z][A-Za-z'’-]*[a-z](?<!'s)(?<!’s))"
_FULL = rf"(?P<name>{_CAPITAL}(?: {_CAPITAL}){{0,2}})(?![A-Za-z0-9])"
_LATIN = r"(?P<name>(?a:[a-z][a-z'’-]{1,14}[a-z]|[a-z]{2})(?<!'s))"
_MAY = r"(?:can|may|gets?|has|had|is|was|asked|asks|needs?|owes?|lent|said|says|should|will|would|wants|doesn'?t|does|never|could|keeps|no longer|shall|must|decides?|handles?|covers?|takes?|signs?|approves?|barely|won'?t|shouldn'?t|to)\b"
_DO = (
    "let|lend|loan|give|send|spot|front|float|tide|bail|help|ask|tell|ping|tap|hit|hit up|hook|cover|stake|slip|slide|pay|repay|forgive|mute|unmute|block|unblock|pause|resume|freeze|unfreeze|halt|"
    "stop|from|off|to|with|whether|if|would|could|might|that|so|and|owe|for|of|chase|by|than|but|money|yes|because|since|reset|make|put|poke|remind|via|between"
)
_DEPARTMENT = re.compile(rf"({_CAPITAL}) (?:from|in) [A-Z]\w+")  # Margaret from Legal
_ENGLISH = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:(?<=[\w,:;] )|(?<={HAN_LETTER})|^(?=[^ ]+(?: [^ ]+)? ?{HAN_LETTER}))(?<! in ){_FULL}",
        rf"(?:^|[.!?] ){_FULL}(?= {_MAY}|'s?\b|’s?\b)",
        rf"(?i)\b(?:{_DO}) {_LATIN}(?= {_MAY}|'s\b)",
        rf"(?i)(?:^|[,.!?] |\bso ){_LATIN}(?= {_MAY}|'s\b)",
        rf"(?i)\b(?:{_DO}) {_LATIN}(?=[ ,.!?]|$)",
    )
)
_NEVER = frozenset(
    [
        "i",
        "im",
        "ive",
        "id",
        "ill",
        "ok",
        "okay",
        "ai",
        "ci",
        "sre",
        "rag",
        "llm",
        "api",
        "gpt",
        "claude",
        "opus",
        "sonnet",
        "haiku",
        "gemini",
        "qwen",
        "deepseek",
        "swe",
        "bench",
        "cursor",
        "english",
        "chinese",
        "german",
        "french",
        "mandarin",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "christmas",
        "pls",
        "plz",
        "lol",
        "thx",
        "ty",
        "kkkk",
        "till",
        "til",
        "dont",
        "cant",
        "wont",
        "doesnt",
        "quota",
        "quotabot",
        "the",
        "and",
        "usd",
        "cny",
        "rmb",
        "yuan",
        "hr",
        "it",
        "qa",
        "pm",
        "demo",
        "mr",
        "mrs",
        "ms",
    ]
)

_SURNAME = "王李张刘陈杨赵黄周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎潘杜戴夏钟汪田姜范姚谭廖邹熊陆郝孔崔邱秦顾侯邵孟雷汤尹黎贺赖龚马钱冯褚卫吴郑"
_DOUBLE = "欧阳|司马|上官|诸葛|东方|夏侯|皇甫|尉迟|公孙|慕容|司徒"
_END = (
    rf"(?=$|[^\w]|[{AMOUNT}{COUNT}的把被欠借还给要能没有可不说用了吧呗啊哈呀哦嘛转拨匀代替审那这帮先应肯刚今手就都也再昨前后来去等在和卡差想跟找问看批支救拿挪继接让从向"
    r"一二两三四五六七八九十百他她我你天老每现之月下上全最总放所催挂跑额道同周到答正好急开收只需]|负责|处理|周转|姐|哥|总|工|师)"
)
_NO_WORD = r"(?!明天|明白|周[一二三四五六日天末]|何[时必况]|许多|马上|高[一兴]|我|你|他|她|它|谁|大家|同事|老板|领导|主管|经理|团队|公司|别人|自己|所有|任何)"
_ADDRESSED = rf"[小老阿大]{HAN_LETTER}(?<![小老阿大][板大师是样天会实家概约部量全些点心的早先时去说]){_END}|[{_SURNAME}](?:姐|哥|总|工|叔|老师|师傅)|(?<=[给向跟找还问让]){HAN_LETTER}[哥姐叔]"
_WITH_SURNAME = rf"(?:{_DOUBLE}){HAN_LETTER}{{1,2}}?{_END}|[{_SURNAME}]{HAN_LETTER}{{1,2}}?{_END}"
_TO = "给|还|向|跟|找|问问?|让|叫|喊|由|请|替|把|为|帮|和|与|同|从|管|于|欠|劳"
_CHINESE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_TO}|^|[,.!?;:]|之前|借给){_NO_WORD}(?P<name>{_ADDRESSED}|{_WITH_SURNAME})",
        rf"(?<![下上本这每半一两](?=周)){_NO_WORD}(?P<name>{_ADDRESSED}|{_WITH_SURNAME})",
        rf"(?:给|向|跟|找|让|请|和|^(?=..[被欠])){_NO_WORD}(?P<name>{HAN_LETTER}{{2}}){_END}",
    )
)
