"""Amounts: what people type, what is stored, what is shown. The only place that knows micro-units.

A stored amount is an `int`: micro-units (10⁻⁶) for USD and CNY, whole for credits and tokens. What people type is read character by
character: no NFKC, no `int()` on raw text (`int("٣") == 3`, and NFKC turns `10²` into `102`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final

from models.ledger.numerals import EXACT, numeral
from models.refusal import AmbiguousAmount, BadAmount

LARGEST = 2**53 - 1  # as stored; what JSON readers and spreadsheets still hold exactly
LONGEST = 32  # characters one may type


class Unit(StrEnum):
    """The unit of a workspace, fixed by its first policy."""

    USD = "USD"
    CNY = "CNY"
    CREDITS = "credits"
    TOKENS = "tokens"

    @property
    def scale(self) -> int:
        """Stored integers per unit."""
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
    """`all`: everything lendable, or everything due; each command decides which."""

    ALL = "all"


ALL: Final = All.ALL


@dataclass(frozen=True)
class Reading:
    """An amount in stored units. One that is not `sure` (`三万五`) has to be confirmed."""

    amount: int
    sure: bool = True


@dataclass(frozen=True)
class Number:
    """A number without its unit. `units`: those it can be in. `ask`: people read it as any of `values`."""

    values: tuple[Decimal, ...]
    ask: bool = False
    sure: bool = True
    units: frozenset[Unit] = frozenset(Unit)


@lru_cache(maxsize=1000)
def parse(text: str, unit: Unit) -> Reading | All:
    """Read a typed amount exactly. Raises `BadAmount` (why) or `AmbiguousAmount` (choices)."""
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
    found = numeral(bare)
    if found is None:
        raise BadAmount(Why.TWO_NUMBERS if _TWO_NUMBERS.fullmatch(bare) else Why.NOT_A_NUMBER, text)
    if not any(found.values):
        raise BadAmount(Why.ZERO, text)
    return Number(found.values, found.ask, found.sure, units)


def folded(text: str) -> str:
    """Full-width digits, separators, signs and currencies as ASCII, one character for one."""
    return text.translate(_FULL_WIDTH)


def plain(amount: int, unit: Unit) -> str:
    """A stored amount as a decimal: no exponent, no separators, no trailing zeros (`-3.25`)."""
    whole, part = divmod(abs(amount), unit.scale)
    fraction = f".{part:06d}".rstrip("0") if part else ""
    return f"{'-' if amount < 0 else ''}{whole}{fraction}"


def from_plain(text: str | int | Decimal, unit: Unit) -> int:
    """The inverse of `plain`, for files. Signs and zero are allowed. Raises `BadAmount`."""
    number = format(text, "f") if isinstance(text, Decimal) else str(text)
    if not re.fullmatch(r"-?[0-9]{1,64}(\.[0-9]{1,64})?", number.strip()):
        raise BadAmount(Why.NOT_A_NUMBER if number.strip() else Why.EMPTY, number)
    return _stored(Decimal(number.strip()), unit, number)


def round_up_float(value: float, unit: Unit) -> int:
    """A gateway's float in stored units, rounded up. Raises `BadAmount` for NaN and infinity."""
    # repr() is the shortest text of a float; Decimal(0.1) would carry its binary error.
    number = Decimal(repr(value))
    if not number.is_finite():
        raise BadAmount(Why.NOT_A_NUMBER, repr(value))
    return int(EXACT.multiply(number, Decimal(unit.scale)).to_integral_value(ROUND_CEILING))


def round_up_plain(text: str, unit: Unit) -> int:
    """A gateway's decimal text (`0.30000000000000004`, `1.2e-05`) in stored units, rounded up.

    Raises `BadAmount`.
    """
    if not re.fullmatch(r"-?[0-9]{1,64}(\.[0-9]{1,64})?([eE][-+]?[0-9]{1,3})?", text.strip()):
        raise BadAmount(Why.NOT_A_NUMBER if text.strip() else Why.EMPTY, text)
    scaled = EXACT.multiply(Decimal(text.strip()), Decimal(unit.scale))
    if scaled.copy_abs() > LARGEST:
        raise BadAmount(Why.TOO_BIG, text)
    return int(scaled.to_integral_value(ROUND_CEILING))


def share(amount: int, part: Decimal) -> int:
    """`part` of an amount, rounded down."""
    numerator, denominator = part.as_integer_ratio()
    return amount * numerator // denominator


def share_up(amount: int, part: Decimal) -> int:
    """`part` of an amount, rounded up."""
    return -share(-amount, part)


def shown(amount: int, unit: Unit, locale: str) -> str:
    """An amount for people: `$1,234.50`, `1,234,500 tokens (1.2M)`, `1,234,500（123万）`; never rounded."""
    # Both languages group by thousands with a comma, so no pattern of a locale has to be built for each figure.
    if unit.scale > 1:
        whole, part = divmod(abs(amount), unit.scale)
        cents = f"{part:06d}".rstrip("0").ljust(2, "0")
        return f"{'-' if amount < 0 else ''}{_SIGNS[unit]}{whole:,}.{cents}"
    chinese = locale.startswith("zh")
    if unit is Unit.CREDITS:
        return f"{amount:,} 积分" if chinese else f"{amount:,} credit{'s' * (amount != 1)}"
    words = f"{amount:,}" if chinese else f"{amount:,} token{'s' * (amount != 1)}"
    if abs(amount) < 10_000:
        return words
    return f"{words}（{_short(amount, _SHORT_ZH)}）" if chinese else f"{words} ({_short(amount, _SHORT_EN)})"


# CLDR's short forms of large numbers. A test holds them against Babel's.
_SHORT_EN = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
_SHORT_ZH = ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"))


def _short(amount: int, signs: tuple[tuple[int, str], ...]) -> str:
    scale, sign = next(one for one in signs if abs(amount) >= one[0])
    figure = Decimal(amount) / scale
    says_too_little = len(sign) == 1 and abs(round(figure)) < 10  # 1M, 2万
    return f"{round(figure, int(says_too_little)):f}".removesuffix(".0") + sign


def _stored(value: Decimal, unit: Unit, text: str) -> int:
    scaled = EXACT.multiply(value, Decimal(unit.scale))
    if scaled.copy_abs() > LARGEST:  # abs() would round to 28 digits
        raise BadAmount(Why.TOO_BIG, text)
    if scaled != int(scaled):
        raise BadAmount(Why.TOO_PRECISE, text)
    return int(scaled)


def _choices(number: Number, unit: Unit) -> tuple[int, ...]:
    scaled = (EXACT.multiply(value, Decimal(unit.scale)) for value in number.values)
    return tuple(sorted({int(value) for value in scaled if value <= LARGEST and value == int(value)}))


# ── one typed number ────────────────────────────────────────────────────────────────────────────────

_FULL_WIDTH = str.maketrans("０１２３４５６７８９，．＋－＄￥\u3000", "0123456789,.+-$¥ ")
_EVERYTHING = frozenset({"all", "everything", "max", "全部", "所有", "全都"})
_SIGNS = {Unit.USD: "$", Unit.CNY: "¥"}
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_DIGITS_AND_SUCH = frozenset({"Nd", "Nl", "No"})

_CHINESE_DIGITS = "零〇一二两三四五六七八九十百千万亿萬億壹贰貳叁參肆伍陆陸柒捌玖拾佰仟兩"


def _screened(text: str) -> str:
    # Digits of other scripts and hidden characters look like an amount and are not the one that is read.
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
    (
        r"hk\$|[ac]\$|€|£|₩|₹|฿|₽|₫|eur|euros?|gbp|pounds?|quid|jpy|yen|inr|rupees?|chf|francs?|hkd|欧元|英镑|日元|港币|港元|韩元|台币|卢布",
        frozenset(),
    ),
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
