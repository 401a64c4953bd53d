"""Amounts: what people type, what is stored, what is shown. The only place that knows micro-units.

A stored amount is an `int`: micro-units (10⁻⁶) for USD and CNY, whole for credits and tokens. What people type is read character by
character: no NFKC, no `int()` on raw text (`int("٣") == 3`, and NFKC turns `10²` into `102`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final

from babel import Locale, numbers

from models.refusal import AmbiguousAmount, BadAmount

LARGEST = 2**53 - 1  # as stored; what JSON readers and spreadsheets still hold exactly
LONGEST = 32  # characters one may type

_EXACT = Context(prec=100)  # the default of 28 digits would round what is about to be checked for being exact


class Unit(StrEnum):
    """What a workspace counts in, fixed after its first policy."""

    USD = "USD"
    CNY = "CNY"
    CREDITS = "credits"
    TOKENS = "tokens"

    @property
    def scale(self) -> int:
        """Stored integers in one unit."""
        return 1_000_000 if self in (Unit.USD, Unit.CNY) else 1


class Why(StrEnum):
    """Why something typed is no amount: `BadAmount.why`."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    HIDDEN_CHARACTERS = "hidden_characters"
    OTHER_DIGITS = "other_digits"
    NOT_A_NUMBER = "not_a_number"
    EXPONENT = "exponent"
    HEX = "hex"
    NEGATIVE = "negative"
    ZERO = "zero"
    RANGE = "range"
    TWO_NUMBERS = "two_numbers"
    WRONG_CURRENCY = "wrong_currency"
    TOO_PRECISE = "too_precise"
    TOO_BIG = "too_big"


class All(Enum):
    """`all`: everything lendable, everything due; what it comes to is the command's to say."""

    ALL = "all"


ALL: Final = All.ALL


@dataclass(frozen=True)
class Reading:
    """An amount in stored units; not `sure` means: say it back and have it confirmed (`三万五`)."""

    amount: int
    sure: bool = True


@dataclass(frozen=True)
class Number:
    """A number before it has a unit; `units` are those its words leave. `ask`: people would read it as any of `values`."""

    values: tuple[Decimal, ...]
    ask: bool = False
    sure: bool = True
    units: frozenset[Unit] = frozenset(Unit)


def parse(text: str, unit: Unit) -> Reading | All:
    """Read what somebody typed, exactly, or raise `BadAmount` (why) or `AmbiguousAmount` (choices)."""
    number = read_number(text)
    if isinstance(number, All):
        return number
    if unit not in number.units:
        raise BadAmount(Why.WRONG_CURRENCY, text)
    if number.ask and (choices := _choices(number, unit)):
        raise AmbiguousAmount(text, choices)
    return Reading(_stored(number.values[0], unit, text), number.sure)


def read_number(text: str) -> Number | All:
    """Read a typed number without a workspace's unit, or raise `BadAmount`."""
    if folded(text).strip().casefold() in _EVERYTHING:
        return ALL
    bare, units = _without_unit(_screened(text))
    _refuse_other_notations(bare, text)
    number = _arabic(bare) or _mixed(bare) or _chinese(bare) or _english(bare)
    if number is None:
        raise BadAmount(Why.TWO_NUMBERS if _TWO_NUMBERS.fullmatch(bare) else Why.NOT_A_NUMBER, text)
    if not any(number.values):
        raise BadAmount(Why.ZERO, text)
    return replace(number, units=units)


def folded(text: str) -> str:
    """Full-width digits, separators, signs and currencies as ASCII, by an explicit table and one to one."""
    return text.translate(_FULL_WIDTH)


def plain(amount: int, unit: Unit) -> str:
    """Write a stored amount as a decimal: no exponent, no separators, no trailing zeros (`-3.25`)."""
    whole, part = divmod(abs(amount), unit.scale)
    fraction = f".{part:06d}".rstrip("0") if part else ""
    return f"{'-' if amount < 0 else ''}{whole}{fraction}"


def from_plain(text: str | int | Decimal, unit: Unit) -> int:
    """The inverse of `plain`, for files: signs and zero allowed; raises `BadAmount`."""
    number = format(text, "f") if isinstance(text, Decimal) else str(text)
    if not re.fullmatch(r"-?[0-9]{1,64}(\.[0-9]{1,64})?", number.strip()):
        raise BadAmount(Why.NOT_A_NUMBER if number.strip() else Why.EMPTY, number)
    return _stored(Decimal(number.strip()), unit, number)


def round_up_float(value: float, unit: Unit) -> int:
    """A gateway's float in stored units, rounded up to the next one; raises `BadAmount` on NaN and infinity."""
    number = Decimal(repr(value))
    if not number.is_finite():
        raise BadAmount(Why.NOT_A_NUMBER, repr(value))
    return int(_EXACT.multiply(number, Decimal(unit.scale)).to_integral_value(ROUND_CEILING))


def share(amount: int, part: Decimal) -> int:
    """`part` of an amount, rounded down: what moves."""
    numerator, denominator = part.as_integer_ratio()
    return amount * numerator // denominator


def share_up(amount: int, part: Decimal) -> int:
    """`part` of an amount, rounded up: what stays."""
    return -share(-amount, part)


def shown(amount: int, unit: Unit, locale: str) -> str:
    """An amount for people: `$1,234.50`, `1,234,500 tokens (1.2M)`, `1,234,500（123万）`; never rounded."""
    value = Decimal(plain(amount, unit))
    if unit.scale > 1:
        figure = _MONEY.apply(abs(value), _known(locale))
        return f"{'-' if amount < 0 else ''}{_SIGNS[unit]}{figure}"
    figure = _WHOLE.apply(value, _known(locale))
    if unit is Unit.CREDITS:
        return f"{figure} 积分" if locale.startswith("zh") else f"{figure} credit{'s' * (amount != 1)}"
    return _tokens(figure, amount, locale)


def _tokens(figure: str, amount: int, locale: str) -> str:
    chinese = locale.startswith("zh")
    words = figure if chinese else f"{figure} token{'s' * (amount != 1)}"
    if abs(amount) < 10_000:
        return words
    short = numbers.format_compact_decimal(amount, locale=_known(locale))
    if len(short.lstrip("-")) == 2:  # 1M, 2万: one digit says too little
        short = numbers.format_compact_decimal(amount, locale=_known(locale), fraction_digits=1)
    return f"{words}（{short}）" if chinese else f"{words} ({short})"


_MONEY, _WHOLE = numbers.parse_pattern("#,##0.00####"), numbers.parse_pattern("#,##0")
_known = lru_cache(Locale.parse)


def _stored(value: Decimal, unit: Unit, text: str) -> int:
    scaled = _EXACT.multiply(value, Decimal(unit.scale))
    if scaled.copy_abs() > LARGEST:  # abs() would round to 28 digits
        raise BadAmount(Why.TOO_BIG, text)
    if scaled != int(scaled):
        raise BadAmount(Why.TOO_PRECISE, text)
    return int(scaled)


def _choices(number: Number, unit: Unit) -> tuple[int, ...]:
    scaled = (_EXACT.multiply(value, Decimal(unit.scale)) for value in number.values)
    return tuple(sorted({int(value) for value in scaled if 0 < value <= LARGEST and value == int(value)}))


# ── one typed number ────────────────────────────────────────────────────────────────────────────────

_FULL_WIDTH = str.maketrans("０１２３４５６７８９，．＋－＄￥\u3000", "0123456789,.+-$¥ ")
_EVERYTHING = frozenset({"all", "everything", "max", "全部", "所有", "全都"})
_SIGNS = {Unit.USD: "$", Unit.CNY: "¥"}
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_DIGITS_AND_SUCH = frozenset({"Nd", "Nl", "No"})

_CHINESE_DIGITS = "零〇一二两三四五六七八九十百千万亿萬億壹贰貳叁參肆伍陆陸柒捌玖拾佰仟兩"


def _screened(text: str) -> str:
    """Refuse what nobody can read aloud, then fold and trim."""
    typed = text.strip()
    if not typed:
        raise BadAmount(Why.EMPTY, text)
    if len(typed) > LONGEST:
        raise BadAmount(Why.TOO_LONG, text)
    if any(unicodedata.category(char) in _HIDDEN for char in typed):
        raise BadAmount(Why.HIDDEN_CHARACTERS, text)
    typed = folded(typed).strip()
    if any(_is_other_digit(char) for char in typed):
        raise BadAmount(Why.OTHER_DIGITS, text)
    return typed


def _is_other_digit(char: str) -> bool:
    return (
        not char.isascii() and unicodedata.category(char) in _DIGITS_AND_SUCH and char not in _CHINESE_DIGITS
    )


# `块 元 bucks` mean whatever the workspace counts in; the last row names what no workspace counts in
_UNIT_WORDS: tuple[tuple[str, frozenset[Unit]], ...] = (
    (r"bucks?|块钱|块|元|圆|个|credits?|积分|点|额度|配额|quota", frozenset(Unit)),
    (r"tokens?|toks?|令牌|词元", frozenset({Unit.TOKENS})),
    (r"us\$|\$|usd|us dollars?|dollars?|美元|美金|刀", frozenset({Unit.USD})),
    (r"cn¥|¥|cny|rmb|yuan|人民币", frozenset({Unit.CNY})),
    (r"hk\$|[ac]\$|€|£|₩|₹|฿|₽|₫|eur|euros?|gbp|pounds?|jpy|yen|欧元|英镑|日元|港币|港元|韩元", frozenset()),
)
_NAMED = "|".join(words for words, _ in _UNIT_WORDS)
_SIGNED = "|".join(words for words, _ in _UNIT_WORDS[2:])
_BEFORE = re.compile(rf"(?i)(?P<unit>{_SIGNED})\s*(?P<rest>.+)")
_AFTER = re.compile(rf"(?i)(?P<rest>.*?\S)\s*(?P<unit>{_NAMED})")


def _without_unit(typed: str) -> tuple[str, frozenset[Unit]]:
    """Take the words for a unit off both ends; the units that all of them can mean."""
    units = frozenset(Unit)
    for pattern in (_BEFORE, _AFTER, _AFTER, _AFTER):  # $20 bucks, 200 个 token 额度
        if match := pattern.fullmatch(typed):
            typed = match["rest"]
            units &= next(
                kinds for words, kinds in _UNIT_WORDS if re.fullmatch(f"(?i:{words})", match["unit"])
            )
    return typed, units


_DIGIT = f"[0-9{_CHINESE_DIGITS}]"
_ABOUT = (
    "[~～〜<>≤≥≈约]|大约|大概|差不多|至少|最多|不到|about|around|up to|at (?:least|most)|(?:more|less) than"
)
_OR_SO = r"\+|左右|上下|以上|以下|以内|多|来|余|ish|or so"
_NOTATIONS = tuple(
    (why, re.compile(f"(?i){pattern}"))
    for why, pattern in (
        (Why.NEGATIVE, rf"(?:[-−–—‐‑﹣]|minus |负).*{_DIGIT}.*|\(.*{_DIGIT}.*\)"),
        (Why.HEX, "0x.*"),
        (Why.EXPONENT, r"[0-9.,]+e[+-]?[0-9]+|.*[0-9]\s*(?:\^|\*|×|x).*"),
        (Why.RANGE, rf".*{_DIGIT}.*(?:[-−–—~～〜到至或]|\.\.|\bto\b|\bor\b).*{_DIGIT}.*"),
        (Why.RANGE, rf"(?:{_ABOUT}).*|.*{_DIGIT}.*(?:{_OR_SO})|[几数].*|.+[几多来][百千万亿]"),
    )
)
_TWO_NUMBERS = re.compile(rf"(?i).*{_DIGIT}.*(?:\s|and|plus|[&+/、;；和跟与]).*{_DIGIT}.*")


def _refuse_other_notations(bare: str, text: str) -> None:
    for why, pattern in _NOTATIONS:
        if pattern.fullmatch(bare):
            raise BadAmount(why, text)


_SUFFIXES = ",,百 hundred,k 千 thousand grand,w 万 萬,十万,m 百万 mil million,千万,亿 億,b 十亿 billion,百亿"
_POWERS = {"": 0} | {
    word: power for power, words in enumerate(_SUFFIXES.split(",")) for word in words.split()
}
_ARABIC = re.compile(rf"(?i)([0-9](?:[0-9.,_'点\s]*[0-9])?)\s*({'|'.join(_POWERS)}|兆)")
_GROUPED = re.compile(
    r"[1-9][0-9]{0,2}(?:([,_'\u00a0\u2009\u202f])[0-9]{3}(?:\1[0-9]{3})*| (?:[0-9]{3} )*000)(\.[0-9]+)?"
)
_LIKE_THOUSANDS = re.compile("[1-9][0-9]{0,2}[.][0-9]{3}")


def _arabic(bare: str) -> Number | None:
    """`500,000` `1.5M` `50w`; asks about `1.000` `1,5m` `1,0000` `1兆`."""
    match = _ARABIC.fullmatch(bare)
    digits = match and _digits(match[1], suffixed=bool(match[2]))
    if not match or not digits:
        return None
    powers = (6, 12) if match[2] == "兆" else (_POWERS[match[2].lower()],)
    values = tuple(value.scaleb(power, _EXACT) for value in digits.values for power in powers)
    return Number(values, ask=digits.ask or len(powers) > 1)


def _digits(typed: str, *, suffixed: bool) -> Number | None:
    if _GROUPED.fullmatch(typed):
        return Number((Decimal(re.sub("[^0-9.]", "", typed)),))
    if re.fullmatch("[0-9]+([.][0-9]+)?", typed) and (suffixed or not _LIKE_THOUSANDS.fullmatch(typed)):
        return Number((Decimal(typed),))
    values = _either(typed) if re.fullmatch("[0-9]+([.,点][0-9]+)+", typed) else ()
    return Number(values, ask=True) if values else None


def _either(typed: str) -> tuple[Decimal, ...]:
    """A last mark of its kind may begin the decimals; marks of one kind may group."""
    marks = re.findall("[.,点]", typed)
    whole, _, part = typed.rpartition(marks[-1])
    decimal = [Decimal(f"{re.sub('[^0-9]', '', whole)}.{part}")] if marks[-1] not in whole else []
    may_group = len(set(marks)) == 1 and "点" not in marks and typed[0] != "0"
    return tuple(decimal + [Decimal(re.sub("[^0-9]", "", typed))] * may_group)


def _mixed(bare: str) -> Number | None:
    """`3万5千`, and `3万5` to be confirmed."""
    if not re.fullmatch(r"([0-9]+(\.[0-9]+)?[百千万萬亿億])+[0-9]*", bare):
        return None
    total, power, sure = Decimal(0), 16, True
    for digits, suffix in re.findall(r"([0-9.]+)([百千万萬亿億]?)", bare):
        spoken = not suffix and len(digits) == 1  # the 5 of 3万5 is 5000
        step = Decimal(digits).scaleb(power - 1 if spoken else _POWERS[suffix], _EXACT)
        if step >= 10**power:
            return None
        sure = sure and bool(suffix or len(digits) == power)
        total, power = total + step, _POWERS[suffix]
    return Number((total,), sure=sure)


_PLAIN_CHINESE = str.maketrans(
    "〇两兩壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬億", "零二二一二二三三四五六六七八九十百千万亿"
)
_NEXT_LOWER = {"百": "十", "千": "百", "万": "千", "亿": "千万"}


def _chinese(bare: str) -> Number | None:
    """`三万五千`, and `三万五` to be confirmed; what does not read back as it was written is no number."""
    typed = re.sub("^一十", "十", bare.translate(_PLAIN_CHINESE))
    if typed.endswith("兆") and (before := _chinese(typed[:-1])):
        return Number(tuple(before.values[0].scaleb(power, _EXACT) for power in (6, 12)), ask=True)
    if not re.fullmatch("[零一二三四五六七八九十百千万亿]+", typed):
        return None
    spoken = re.fullmatch("(.*([百千万亿]))[一二三四五六七八九]", typed)
    written = typed + _NEXT_LOWER[spoken[2]] if spoken else typed
    value = _read_back(written)
    return Number((Decimal(value),), sure=not spoken) if value is not None else None


def _read_back(written: str) -> int | None:
    import cn2an  # noqa: PLC0415 - takes a quarter of a second, and only Chinese numerals need it

    try:
        value = int(cn2an.cn2an(written, "strict"))
        return value if cn2an.an2cn(value, "low") == written else None
    except (ValueError, KeyError):
        return None


_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: n for n, word in enumerate(_ONES, 1)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_ENGLISH = re.compile(
    rf"(a|{'|'.join(_SMALL)})(?:[- ]({'|'.join(_ONES[:9])}))?( hundred)?( thousand| million)?"
)


def _english(bare: str) -> Number | None:
    """`fifty`, `two hundred`, `a thousand`; a bare `a` is none, and nothing is added up beyond `twenty-five`."""
    match = _ENGLISH.fullmatch(bare.lower())
    if not match or (match[1] == "a" and (match[2] or not (match[3] or match[4]))):
        return None
    if match[2] and _SMALL[match[1]] < 20:
        return None
    small = _SMALL.get(match[1], 1) + _SMALL.get(match[2] or "", 0)
    power = _POWERS[(match[3] or "").strip()] + _POWERS[(match[4] or "").strip()]
    return Number((Decimal(small).scaleb(power, _EXACT),))
