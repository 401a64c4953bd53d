"""Numerals as people write them: `1.5M`, `3万5千`, `三万五千`, `two hundred`. Each function returns None for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal

EXACT = Context(prec=100)  # the default of 28 digits would round what is about to be checked for being exact


@dataclass(frozen=True)
class Numeral:
    """A number as written. `ask`: people would read it as any of `values`; not `sure`: have it confirmed."""

    values: tuple[Decimal, ...]
    ask: bool = False
    sure: bool = True


def numeral(bare: str) -> Numeral | None:
    return arabic(bare) or mixed(bare) or chinese(bare) or english(bare)


_SUFFIXES = ",,百 hundred,k 千 thousand grand,w 万 萬,十万,m 百万 mil million,千万,亿 億,b 十亿 billion,百亿"
_POWERS = {"": 0} | {
    word: power for power, words in enumerate(_SUFFIXES.split(",")) for word in words.split()
}
_ARABIC = re.compile(rf"(?i)([0-9](?:[0-9.,_'点\s]*[0-9])?)\s*({'|'.join(_POWERS)}|兆)")
_GROUPED = re.compile(
    r"[1-9][0-9]{0,2}(?:([,_'\u00a0\u2009\u202f])[0-9]{3}(?:\1[0-9]{3})*| (?:[0-9]{3} )*000)(\.[0-9]+)?"
)
_LIKE_THOUSANDS = re.compile("[1-9][0-9]{0,2}[.][0-9]{3}")


def arabic(bare: str) -> Numeral | None:
    """`500,000` `1.5M` `50w`; asks about `1.000` `1,5m` `1,0000` `1兆`."""
    match = _ARABIC.fullmatch(bare)
    digits = match and _digits(match[1], suffixed=bool(match[2]))
    if not match or not digits:
        return None
    powers = (6, 12) if match[2] == "兆" else (_POWERS[match[2].lower()],)
    values = tuple(value.scaleb(power, EXACT) for value in digits.values for power in powers)
    return Numeral(values, ask=digits.ask or len(powers) > 1)


def _digits(typed: str, *, suffixed: bool) -> Numeral | None:
    if _GROUPED.fullmatch(typed):
        return Numeral((Decimal(re.sub("[^0-9.]", "", typed)),))
    if re.fullmatch("[0-9]+([.][0-9]+)?", typed) and (suffixed or not _LIKE_THOUSANDS.fullmatch(typed)):
        return Numeral((Decimal(typed),))
    values = _either(typed) if re.fullmatch("[0-9]+([.,点][0-9]+)+", typed) else ()
    return Numeral(values, ask=True) if values else None


def _either(typed: str) -> tuple[Decimal, ...]:
    # The last mark may begin the decimals if it is the only one of its kind; marks of one kind may group.
    marks = re.findall("[.,点]", typed)
    whole, _, part = typed.rpartition(marks[-1])
    decimal = [Decimal(f"{re.sub('[^0-9]', '', whole)}.{part}")] if marks[-1] not in whole else []
    may_group = len(set(marks)) == 1 and "点" not in marks and typed[0] != "0"
    return tuple(decimal + [Decimal(re.sub("[^0-9]", "", typed))] * may_group)


def mixed(bare: str) -> Numeral | None:
    """`3万5千`; `3万5` has to be confirmed."""
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)?[百千万萬亿億])+[0-9]*", bare):
        return None
    total, power, sure = Decimal(0), 16, True
    for digits, suffix in re.findall(r"([0-9.]+)([百千万萬亿億]?)", bare):
        spoken = not suffix and len(digits) == 1  # the 5 of 3万5 is 5000
        step = Decimal(digits).scaleb(power - 1 if spoken else _POWERS[suffix], EXACT)
        if step >= 10**power:
            return None
        sure = sure and bool(suffix or len(digits) == power)
        total, power = EXACT.add(total, step), _POWERS[suffix]
    return Numeral((total,), sure=sure)


_PLAIN_CHINESE = str.maketrans(
    "〇两兩俩壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬億", "零二二二一二二三三四五六六七八九十百千万亿"
)
_NEXT_LOWER = {"百": "十", "千": "百", "万": "千", "亿": "千万"}


def chinese(bare: str) -> Numeral | None:
    """`三万五千`; `三万五` has to be confirmed. A numeral that is not the usual spelling of its value is refused."""
    typed = re.sub("^一十", "十", bare.translate(_PLAIN_CHINESE))
    if typed.endswith("兆") and (before := chinese(typed[:-1])):
        return Numeral(tuple(before.values[0].scaleb(power, EXACT) for power in (6, 12)), ask=True)
    if not re.fullmatch("[零一二三四五六七八九十百千万亿]+", typed):
        return None
    spoken = re.fullmatch("(.*([百千万亿]))[一二三四五六七八九]", typed)
    written = typed + _NEXT_LOWER[spoken[2]] if spoken else typed
    value = _read_back(written)
    return Numeral((Decimal(value),), sure=not spoken) if value is not None else None


def _read_back(written: str) -> int | None:
    import cn2an  # noqa: PLC0415 - takes a quarter of a second, and only Chinese numerals need it

    try:
        value = int(cn2an.cn2an(written))
        # cn2an also accepts numerals that nobody writes; the way back shows them.
        return value if cn2an.an2cn(value) == written else None
    except (ValueError, KeyError):
        return None


_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = (
    {word: n for n, word in enumerate((*_ONES, *_TEENS), 1)}
    | {word: 10 * n for n, word in enumerate(_TENS, 2)}
    | {"": 0, "a": 1, "an": 1}
)
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?: (?:{'|'.join(_ONES)}))?|{'|'.join((*_TEENS, *_ONES))})"
_BELOW_1000 = rf"(?:(?:an?|{_BELOW_100}) hundred(?:(?: and)? {_BELOW_100})?|{_BELOW_100})"
_ENGLISH = re.compile(
    rf"(?P<large>an?|{_BELOW_1000}) (?P<scale>thousand|million)(?:(?: and)? (?P<rest>{_BELOW_1000}))?|(?P<only>{_BELOW_1000})"
)
_NOTES = {"fiver": 5, "tenner": 10, "hundred": 100}


def english(bare: str) -> Numeral | None:
    """`fifty`, `two hundred`, `one hundred and twenty`, `a thousand`; `tenner` and a bare `hundred` have to be confirmed. A bare `a` is none."""
    words = " ".join(bare.lower().replace("-", " ").split())
    if note := _NOTES.get(words.removeprefix("a ") if words != "a hundred" else ""):
        return Numeral((Decimal(note),), sure=False)
    match = _ENGLISH.fullmatch(words)
    if not match:
        return None
    power = _POWERS[match["scale"] or ""]
    total = _below_1000(match["large"] or "") * 10**power + _below_1000(match["rest"] or match["only"] or "")
    return Numeral((Decimal(total),))


def _below_1000(words: str) -> int:
    before, _, after = words.rpartition(" hundred")
    small = sum(_SMALL[word] for word in after.removeprefix(" and").split())
    return sum(_SMALL[word] for word in before.split()) * 100 + small
