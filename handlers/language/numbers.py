"""Numbers in a sentence: amounts, and counts of something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from handlers.language.grammar import AMOUNT, COUNT, HAN_LETTER, SURNAMES

MASK = "\ue00f"
"""Stands in a text for every character of the people and days that were found in it."""


@dataclass(frozen=True)
class Span:
    """A stretch of the source for which one sign stands; an empty sign leaves a gap. `text`: its meaning, as typed."""

    start: int
    end: int
    sign: str
    text: str = ""


def find_numbers(text: str, *, typed: bool = False) -> Iterator[Span]:
    """Amounts, and numbers that may count something (5 reviews). Numbers of times and things are left alone.

    `typed`: in a typed command a number is an amount, unless it surely counts something (3 days) or is a single
    thing.
    """
    whole = _ALL_TYPED if typed else _ALL
    found = (match for pattern in (_NUMBER, whole, _NO_NUMBER) for match in pattern.finditer(text))
    for match in sorted(found, key=lambda match: match.start()):
        if match.re is not _NUMBER:
            yield Span(*match.span(), AMOUNT, "all" if match.re is whole else match[0])
        elif not _LABEL.search(text[max(0, match.start() - 12) : match.start()]):
            yield from _amount(text, match, typed=typed)


def _amount(text: str, match: re.Match[str], *, typed: bool) -> Iterator[Span]:
    if typed and _ASKED_FOR.fullmatch(text[: match.start()]):
        yield Span(*match.span(), AMOUNT, match["number"] + (match["unit"] or ""))
        return
    counted = _SURELY_COUNTED if typed and match["number"] != "1" else _COUNTED
    if match["unit"] or not counted.match(text, match.end()):
        alone = match["unit"] or _ONE_MORE.search(match[0]) or _STANDS_ALONE.match(text, match.end())
        yield Span(*match.span(), AMOUNT if alone else COUNT, match["number"] + (match["unit"] or ""))


_ONE_MORE = re.compile("(?i)(?:more|extra|additional)$")
_ASKED_FOR = re.compile(r"(?i)(?:request|申请)\s*")  # whatever follows its number is the reason
_DIGIT = "[0-9０-９]"
_FIGURE = rf"{_DIGIT}(?:[.,_'．](?={_DIGIT})|(?<=[０-９])，(?=[０-９]{{3}}(?!{_DIGIT}))| (?=000(?!{_DIGIT}))|{_DIGIT})*"
_SCALE = (
    rf"(?:[kmbw]|[百千兆](?!{HAN_LETTER}*[个人])|[十百千]?[万萬亿億]"
    r"| ?(?:hundred|thousand|million|billion|grand|mil)\b)"
)
_ODD_DIGIT = "²³¹⁰⁴-⁹₀-₉½¼¾⅐-⅞①-⓿❶-➓٠-٩۰-۹०-९"  # signs that Python takes for digits and people do not
_CHINESE_DIGIT = "零〇一二两俩三四五六七八九十壹贰叁肆伍陆柒捌玖拾"
_NOTHING_COUNTED = "(?=$|[^\\w]|[给到吧吗呗用的])"  # 50个, not 50个人
_UNITS = (
    r"(?: ?(?:bucks?|dollars?|usd|cny|rmb|yuan|tokens?|toks?|credits?|quota"
    r"|pounds?|quid|gbp|euros?|eur|yen|jpy|rupees?|inr|francs?|chf|hkd)(?![a-z])"
    r"| ?(?:块钱|块|元|美元|美金|刀|人民币|欧元|英镑|日元|港币|港元|韩元|台币|卢布|[$¥￥€£])| ?个?的?(?:tokens?|credits?|额度|配额|积分|令牌|词元)"
    rf"| ?点(?![钟半到前后开见左以整])|个{_NOTHING_COUNTED})"
)
_ONES_EN = "(?:one|two|three|four|five|six|seven|eight|nine)"
_TENS_EN = f"(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ]{_ONES_EN})?|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen)"
_HUNDREDS_EN = f"(?:an?|{_TENS_EN}|{_ONES_EN}) hundred(?:(?: and)? (?:{_TENS_EN}|{_ONES_EN}))?"
_NUMBER_WORDS = (
    rf"\b(?:(?:{_HUNDREDS_EN}|an?|{_TENS_EN}|{_ONES_EN}) (?:thousand|million)(?:(?: and)? (?:{_HUNDREDS_EN}|{_TENS_EN}))?|{_HUNDREDS_EN}|{_ONES_EN} {_TENS_EN}|{_TENS_EN}"
    rf"|(?<=my )hundred|(?<=the )hundred|(?<=another )hundred|a (?:tenner|fiver)|{_ONES_EN}(?= (?:bucks?|dollars?|tokens|credits)\b))\b"
)
_ONE_NUMBER = (
    rf"(?:{_DIGIT}*[{_ODD_DIGIT}]+{_DIGIT}*|{_FIGURE}{_SCALE}?(?:{_DIGIT}+[百千万]?)*|0x[0-9a-f]+|{_DIGIT}+(?:\.{_DIGIT}+)?e[+-]?{_DIGIT}+"
    rf"|(?<![给还向跟找问欠免回][{SURNAMES}])(?!一[点些下会起样直定共般切个])[{_CHINESE_DIGIT}](?:[{_CHINESE_DIGIT}百千万亿萬億佰仟]+|(?={_UNITS}))|{_NUMBER_WORDS})"
)
_ABOUT = "(?:(?:about|around|roughly|approximately|at least|at most|大概|大约|约|差不多) ?|~ ?)"
_NUMBER = re.compile(
    rf"(?i)(?P<number>{_ABOUT}?(?:(?<![\w.#/:@-])[-−–+] ?|\()?(?:us\$|hk\$|[$¥￥€£＄] ?)?(?<![a-z0-9_.#/:@])(?<![a-z]-)(?<![第双]){_ONE_NUMBER}"
    rf"(?: ?(?:[-–~～到至]|to\b|or\b|或) ?{_ONE_NUMBER})?(?:多|左右|上下|\+)?\)?)"
    rf"(?: (?:more|extra|additional))?(?P<unit>{_UNITS})?(?: (?:more|extra|additional)\b)?"
    rf"(?![a-z0-9０-９{_ODD_DIGIT}_%％‰°]|[.,:/][0-9])"
)
_MY_QUOTA = "(?: of it| (?:of )?my (?:remaining |unused |spare )?(?:quota|tokens|credits))?"
_ALL = re.compile(
    rf"(?i)(?<={MASK} )(?:all|everything){_MY_QUOTA}(?= ?$| ?[,.!]| back\b| for\b| {MASK})"
    rf"|\b(?:all|everything){_MY_QUOTA}(?= (?:to|from|back to) {MASK})"
    rf"|(?<=^give )(?:all|everything)(?= to (?:the |my |our )?team)|(?<=给团队 )(?:全部|所有)|(?<=^退回 )(?:全部|所有)"
    rf"|(?:全部|所有)的?(?:额度|配额|token|钱)?(?=$|[,.!，。！]|都?[借给还转收]| ?{MASK})"
)
_ALL_TYPED = re.compile(rf"(?i)(?<={MASK} )(?:all|everything|全部|所有)(?= )")
_NO_NUMBER = re.compile(rf"(?i)(?<={MASK} )(?:nan|inf(?:inity)?|zero|half|∞|零|一半|[0-9.]+ ?[%％])(?!\w)")

_LABEL = re.compile(  # sprint 12 is not twelve of anything
    r"(?i)(?:\b(?:sprint|phase|step|stage|version|v|issue|ticket|task|story|pr|mr|bug|room|floor|no\.|number|part|round|batch|release|"
    r"milestone|week|day|q|item|build|job|case|error|line|port|page|at|gpt|claude|qwen|model)|第|#) ?$"
)
_STANDS_ALONE = re.compile(  # what may follow an amount; any other word may be what is counted
    rf"(?i)\s?$|\s?[^\w\s]|\s?{HAN_LETTER}|\s(?:for|to|from|until|till|by|please|pls|plz|thanks|thx|thank|cheers|and|or|so|because|cause|cuz|"
    r"since|as|if|when|back|now|today|tonight|tomorrow|this|that|then|again|asap|of|on|out|off|into|with|max|tops|only|will|would|can|could|is|"
    r"was|were|should|instead|too|also|before|after|over|i|he|she|they|we|urgently|immediately|temporarily|first|next|while|ok|okay|right|worth|"
    r"yesterday|last|ago|short|but|earlier|already|left|each)\b"
)
_TIME_UNITS_ZH = "天|日(?![常志报])|号|周(?![报会末])|星期|礼拜|年(?![底末终])|个?月(?![底末])|个?小时|个?钟|分钟?|秒|点[钟半到前后开见左整]"
_MEASURES = (
    r"人|位|名|次|遍|支|本|台|张|件|份|行|页|条|只|辆|杯|瓶|盒|篇|轮|步|倍|岁|"
    rf"层|楼|级|种|项|场|把|顿|餐|期|版|组|米|公里|斤|下|会|起|直|定|样|边|半|切|般|旦|共|同|律|致|时|刻|句|眼|口|声|部|个(?!{_NOTHING_COUNTED[3:-1]}|额|配|token|积|credit)"
)
_TIME_UNITS = (
    r"(?:second|sec|minute|min|hour|hr|day|week|month|year)s?|people|person|am|pm|o'clock|km|kg|gb|mb"
)
_THINGS = (
    "guy|time|file|book|chair|laptop|pen|page|line|row|item|ticket|key|reviewer|engineer|coffee|beer|degree|percent|step|question|thing|commit|"
    "bug|issue|test|run|job|meeting|call"
)
_COUNTED = re.compile(rf"(?i)\s?(?:{_TIME_UNITS_ZH}|{_MEASURES})|\s(?:{_TIME_UNITS}|(?:{_THINGS})s?|x)\b")
_SURELY_COUNTED = re.compile(  # 50 次 and 50次, not 200 人手不足; 3 files, not 200 file uploads
    rf"(?i)\s?(?:{_TIME_UNITS_ZH})|(?:{_MEASURES})|\s(?:{_MEASURES})(?!{HAN_LETTER})|\s(?:{_TIME_UNITS}|(?:{_THINGS})s)\b"
)
