"""A sentence with its people, numbers and days taken out, so that `phrases` can compare what is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from handlers.command import Person
from handlers.language.dates import find_date
from handlers.language.phrases import HAN, OTHER, A, P

LONGEST = 600  # characters that are looked at


@dataclass(frozen=True)
class Span:
    """A stretch of the source that one sign stands for, and what it says; without a sign it leaves a gap."""

    start: int
    end: int
    sign: str
    says: str = ""


@dataclass(frozen=True)
class Skeleton:
    """What templates read: lower case, ASCII punctuation, signs; and where in the source each character comes from."""

    text: str
    places: tuple[tuple[int, int], ...]
    source: str

    def original(self, start: int, end: int | None = None) -> str:
        """What was typed where `text[start:end]` is."""
        places = self.places[start:end]
        return self.source[places[0][0] : places[-1][1]] if places else ""


@dataclass(frozen=True)
class Sentence:
    """What was typed, and what was found in it."""

    source: str
    people: tuple[Person, ...]
    numbers: tuple[Span, ...]
    until: str | None
    taken: tuple[Span, ...]

    @classmethod
    def read(cls, text: str, today: date | None) -> Sentence:
        """Take out people, then days, then numbers: `15 Dec` is no amount, and a staff id neither."""
        source = " ".join(_OUR_SIGNS.sub(" ", text[:LONGEST]).split())
        named = [(_person(match), match.span()) for match in _PERSON.finditer(source)]
        people = [Span(*place, P if person else "") for person, place in named]
        days, until = _days(_masked(source, people), today)
        numbers = list(_numbers(_masked(source, people + days)))
        return cls(
            source,
            tuple(dict.fromkeys(person for person, _ in named if person)),
            tuple(numbers),
            until,
            tuple(sorted(people + days + numbers, key=lambda span: span.start)),
        )

    @property
    def amounts(self) -> list[str]:
        """The numbers that count nothing else, as typed."""
        return [span.says for span in self.numbers if span.sign == A]

    @cached_property
    def typed(self) -> Sentence:
        """The same as a command is read: the number stands in its place, and the word after it is a reason."""
        others = [span for span in self.taken if span not in self.numbers]
        numbers = list(_numbers(_masked(self.source, others), typed=True))
        taken = tuple(sorted(others + numbers, key=lambda span: span.start))
        return replace(self, numbers=tuple(numbers), taken=taken)

    @cached_property
    def spaced(self) -> Skeleton:
        """For English: every sign is a word of its own."""
        apart = [
            piece
            for char, start, end in self._characters()
            for piece in (
                [(" ", start, start), (char, start, end), (" ", end, end)]
                if char in _SIGNS
                else [(char, start, end)]
            )
        ]
        return _skeleton(
            apart, self.source, lambda before, after: before not in ("", " ") and after not in " ,.;:!?'"
        )

    @cached_property
    def tight(self) -> Skeleton:
        """For Chinese: no spaces but between two English words."""
        return _skeleton(
            list(self._characters()), self.source, lambda before, after: _latin(before) and _latin(after)
        )

    def _characters(self) -> Iterator[tuple[str, int, int]]:
        at = 0
        for span in (*self.taken, Span(len(self.source), len(self.source), "")):
            for place in range(at, span.start):
                yield self.source[place].translate(_PUNCTUATION).lower()[:1], place, place + 1
            yield span.sign or " ", span.start, span.end
            at = span.end


def _skeleton(pieces: list[tuple[str, int, int]], source: str, keeps: Callable[[str, str], bool]) -> Skeleton:
    """Drop the spaces that `keeps` does not want between what stands before and after."""
    kept: list[tuple[str, int, int]] = []
    for place, piece in enumerate(pieces):
        before = kept[-1][0] if kept else ""
        after = next((char for char, _, _ in pieces[place + 1 :] if char != " "), "")
        if piece[0] != " " or (after and keeps(before, after)):
            kept.append(piece)
    return Skeleton(
        "".join(char for char, _, _ in kept), tuple((start, end) for _, start, end in kept), source
    )


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


_SIGNS = P + A + OTHER
_OUR_SIGNS = re.compile("[\ue000-\ue00f]")
_MASK = "\ue00f"
_PUNCTUATION = str.maketrans("，。！？：；（）、’‘“”～", ",.!?:;(),''\"\"~")


def _masked(source: str, spans: list[Span]) -> str:
    for span in spans:
        source = source[: span.start] + _MASK * (span.end - span.start) + source[span.end :]
    return source


# ── people ──────────────────────────────────────────────────────────────────────────────────────────

_EMAIL = r"(?a:[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
_PERSON = re.compile(
    r"<![^>]*>|@(?:所有人|全体成员|all|here|channel|everyone)\b"  # everybody is nobody
    r"|<@(?P<id>[^>|\s]+)(?:\|[^>]*)?>|@\w+:(?P<staff>[\w.-]+)"
    rf"|<mailto:(?P<mail>[^>|]+)(?:\|[^>]*)?>|(?P<email>{_EMAIL})|@(?P<handle>[^\W\d][\w.-]*)"
    r"|(?:(?<=^lend )|(?<=^repay )|(?<=^recall )|(?<=^forgive )|(?<=^借给 ))(?P<number>[0-9]{4,})(?=\s[0-9])"  # a job number
)


def _person(match: re.Match[str]) -> Person | None:
    name = match["mail"] or match["email"] or match["handle"] or match["number"]
    found = Person(match["id"] or match["staff"], name)
    return found if found != Person() else None


# ── days ────────────────────────────────────────────────────────────────────────────────────────────

_UNTIL = re.compile(
    r"(?i)\b(?:until|till?|through|up to|valid (?:to|until)|expir(?:es|ing)(?: on)?)\s|(?P<for>\bfor )(?=(?:the next )?(?:\d+|an?|one|two|three) (?:day|week|month))"
    r"|(?:一直|有效期|(?<=[\s\d,，])用)?(?:直到|截止到?|截至|到|至)\s?|(?P<by>\b(?:by|before)\s)"
)
_AFTERWARDS = re.compile(r"\s?(?:为止|之前|以前|止|前)")


def _days(text: str, today: date | None) -> tuple[list[Span], str | None]:
    """Days that say until when, taken out with their `until`; and the first of them. `by friday` says when, not until when."""
    spans, until = [], None
    for match in _UNTIL.finditer(text):
        start = match.start("for") if match["for"] else match.end()
        phrase = find_date(text[start : start + 40])
        if not phrase or phrase.start:
            continue
        end = start + phrase.end
        after = _AFTERWARDS.match(text, end)
        spans.append(Span(match.start(), after.end() if after else end, ""))
        if today and not until and not match["by"]:
            day = phrase.day(today)
            until = day.isoformat() if day else text[start:end]
    return spans, until


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────

_D = "[0-9０-９]"
_FIGURE = rf"{_D}(?:[.,_'．](?={_D})|(?<=[０-９])，(?=[０-９]{{3}}(?!{_D}))| (?=000(?!{_D}))|{_D})*"
_SCALE = (
    rf"(?:[kmbw]|[百千兆](?!{HAN}*[个人])|[十百千]?[万萬亿億]"
    r"| ?(?:hundred|thousand|million|billion|grand|mil)\b)"
)
_OTHER = "²³¹⁰⁴-⁹₀-₉½¼¾⅐-⅞①-⓿❶-➓٠-٩۰-۹०-९"  # signs that Python takes for digits and people do not
_CN = "零〇一二两三四五六七八九十壹贰叁肆伍陆柒捌玖拾"
_ALONE = "(?=$|[^\\w]|[给到吧吗呗用的])"  # 50个, not 50个人
_UNITS = (
    r"(?: ?(?:bucks?|dollars?|usd|cny|rmb|yuan|tokens?|toks?|credits?|quota)(?![a-z])"
    r"| ?(?:块钱|块|元|美元|美金|刀|人民币|欧元|[$¥￥€£])| ?个?的?(?:tokens?|credits?|额度|配额|积分|令牌|词元)"
    rf"| ?点(?![钟半到前后开见左以整])|个{_ALONE})"
)
_ONES_EN = "(?:one|two|three|four|five|six|seven|eight|nine)"
_TENS_EN = f"(?:ten|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ]{_ONES_EN})?)"
_WORDS_EN = (
    rf"\b(?:(?:an?|{_ONES_EN}|{_TENS_EN}) (?:hundred|thousand|million)(?: (?:thousand|million))?|{_TENS_EN}"
    rf"|{_ONES_EN}(?= (?:bucks?|dollars?|tokens|credits)\b))\b"
)
_ONE = (
    rf"(?:{_D}*[{_OTHER}]+{_D}*|{_FIGURE}{_SCALE}?(?:{_D}+[百千万]?)*|0x[0-9a-f]+|{_D}+(?:\.{_D}+)?e[+-]?{_D}+"
    rf"|(?!一[点些下会起样直定共般切个])[{_CN}](?:[{_CN}百千万亿萬億佰仟]+|(?={_UNITS}))|{_WORDS_EN})"
)
_ABOUT = "(?:(?:about|around|roughly|approximately|at least|at most|大概|大约|约|差不多) ?|~ ?)"
_NUMBER = re.compile(
    rf"(?i)(?P<number>{_ABOUT}?(?:(?<![\w.#/:@-])[-−–+] ?|\()?(?:us\$|hk\$|[$¥￥€£＄] ?)?(?<![a-z0-9_.#/:@])(?<![a-z]-)(?<!第){_ONE}"
    rf"(?: ?(?:[-–~～到至]|to\b|or\b|或) ?{_ONE})?(?:多|左右|上下|\+)?\)?)"
    rf"(?: (?:more|extra|additional))?(?P<unit>{_UNITS})?(?: (?:more|extra|additional)\b)?"
    rf"(?![a-z0-9０-９{_OTHER}_%％‰°]|[.,:/][0-9])"
)
_MY_QUOTA = "(?: of it| (?:of )?my (?:remaining |unused |spare )?(?:quota|tokens|credits))?"
_EVERYTHING = re.compile(
    rf"(?i)(?<={_MASK} )(?:all|everything){_MY_QUOTA}(?= ?$| ?[,.!]| back\b| for\b)"
    rf"|\b(?:all|everything){_MY_QUOTA}(?= (?:to|from|back to) {_MASK})"
    rf"|(?:全部|所有)的?(?:额度|配额|token|钱)?(?=$|[,.!，。！]|都?[借给还转收]|{_MASK})"
)
_NO_NUMBER = re.compile(rf"(?i)(?<={_MASK} )(?:nan|inf(?:inity)?|zero|half|∞|零|一半|[0-9.]+ ?[%％])(?!\w)")

_LABEL = re.compile(  # sprint 12 is not twelve of anything
    r"(?i)(?:\b(?:sprint|phase|step|stage|version|v|issue|ticket|task|story|pr|mr|bug|room|floor|no\.|number|part|round|batch|release|"
    r"milestone|week|day|q|item|build|job|case|error|line|port|page|at|gpt|claude|qwen|model)|第|#) ?$"
)
_STANDS_ALONE = re.compile(  # what may follow an amount; any other word may be what is counted
    rf"(?i)\s?$|\s?[^\w\s]|\s?{HAN}|\s(?:for|to|from|until|till|by|please|pls|plz|thanks|thx|thank|cheers|and|or|so|because|cause|cuz|"
    r"since|as|if|when|back|now|today|tonight|tomorrow|this|that|then|again|asap|of|on|out|off|into|with|max|tops|only|will|would|can|could|is|"
    r"was|were|should|instead|too|also|before|after|over|i|he|she|they|we|urgently|immediately|temporarily|first|next|while|ok|okay|right|worth|"
    r"yesterday|last|ago|short|but|earlier|already|left|each)\b"
)
_TIMES_ZH = "天|日(?![常志报])|号|周(?![报会末])|星期|礼拜|年(?![底末终])|个?月(?![底末])|个?小时|个?钟|分钟?|秒|点[钟半到前后开见左整]"
_MEASURES = (
    r"人|位|名|次|遍|支|本|台|张|件|份|行|页|条|只|辆|杯|瓶|盒|篇|轮|步|倍|岁|"
    rf"层|楼|级|种|项|场|把|顿|餐|期|版|组|米|公里|斤|下|会|起|直|定|样|边|半|切|般|旦|共|同|律|致|时|刻|句|眼|口|声|部|个(?!{_ALONE[3:-1]}|额|配|token|积|credit)"
)
_TIMES = r"(?:second|sec|minute|min|hour|hr|day|week|month|year)s?|people|person|am|pm|o'clock|km|kg|gb|mb"
_THINGS = (
    "guy|time|file|book|chair|laptop|pen|page|line|row|item|ticket|key|reviewer|engineer|coffee|beer|degree|percent|step|question|thing|commit|"
    "bug|issue|test|run|job|meeting|call"
)
_COUNTED = re.compile(rf"(?i)\s?(?:{_TIMES_ZH}|{_MEASURES})|\s(?:{_TIMES}|(?:{_THINGS})s?|x)\b")
_SURELY_COUNTED = re.compile(  # 50 次 and 50次, not 200 人手不足; 3 files, not 200 file uploads
    rf"(?i)\s?(?:{_TIMES_ZH})|(?:{_MEASURES})|\s(?:{_MEASURES})(?!{HAN})|\s(?:{_TIMES}|(?:{_THINGS})s)\b"
)


def _numbers(text: str, *, typed: bool = False) -> Iterator[Span]:
    """Amounts, and numbers by which something may be counted (5 reviews); times and things are left alone.

    `typed`: in a command only what is surely counted is (3 days), and a single thing.
    """
    found = (match for pattern in (_NUMBER, _EVERYTHING, _NO_NUMBER) for match in pattern.finditer(text))
    for match in sorted(found, key=lambda match: match.start()):
        if match.re is not _NUMBER:
            yield Span(*match.span(), A, "all" if match.re is _EVERYTHING else match[0])
        elif not _LABEL.search(text[max(0, match.start() - 12) : match.start()]):
            yield from _amount(text, match, typed=typed)


def _amount(text: str, match: re.Match[str], *, typed: bool) -> Iterator[Span]:
    counted = _SURELY_COUNTED if typed and match["number"] != "1" else _COUNTED
    if match["unit"] or not counted.match(text, match.end()):
        alone = match["unit"] or _STANDS_ALONE.match(text, match.end())
        yield Span(*match.span(), A if alone else OTHER, match["number"] + (match["unit"] or ""))
