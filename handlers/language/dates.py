"""Days as people name them, in English and Chinese. The named day is the last one included."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from models.ledger.amount import Number, read_number


@dataclass(frozen=True)
class Phrase:
    """A day named in a text: its place, and the day as of a given today (None: no such day)."""

    start: int
    end: int
    day: Callable[[date], date | None]


def read_date(text: str, today: date) -> date | None:
    """The day that `text` names and nothing else, or None."""
    named = text.strip()
    phrase = find_date(named)
    return phrase.day(today) if phrase and (phrase.start, phrase.end) == (0, len(named)) else None


def find_date(text: str) -> Phrase | None:
    # Of two readings that begin at one place the longer.
    found = [(match, meaning) for pattern, meaning in _RULES if (match := pattern.search(text))]
    if not found:
        return None
    match, meaning = min(found, key=lambda rule: (rule[0].start(), -rule[0].end()))
    return Phrase(match.start(), match.end(), lambda today: meaning(match.groupdict(), today))


# ── what each phrase means ──────────────────────────────────────────────────────────────────────────

_Words = dict[str, str | None]  # what a phrase named, by the names of its groups


def _calendar_day(words: _Words, today: date) -> date | None:
    # This year's when it is still to come, else next year's.
    month, day = _month(words["month"] or ""), _count(words["day"])
    if words.get("year"):
        return _valid(int(words["year"] or 0), month, day)
    this_year = _valid(today.year, month, day)
    return this_year if this_year and this_year >= today else _valid(today.year + 1, month, day)


def _day_of_month(words: _Words, today: date) -> date | None:
    """`the 15th`, `下个月1号`; without a month the next one to come."""
    day = _count(words["day"])
    first = _first_of_month(today, 1 if words.get("next") else 0)
    found = _valid(first.year, first.month, day)
    if words.get("next") or (found and found >= today):
        return found
    following = _first_of_month(today, 1)
    return _valid(following.year, following.month, day)


def _near(words: _Words, today: date) -> date:
    return today + timedelta(_NEAR[(words["near"] or "").lower()])


def _after(words: _Words, today: date) -> date | None:
    """`in 3 days`, `两周后`, `in a month`."""
    count, unit = _count(words["count"]), (words["unit"] or "").lower()
    if unit in ("month", "月"):
        first = _first_of_month(today, count)
        return first.replace(day=min(today.day, calendar.monthrange(first.year, first.month)[1]))
    return today + timedelta(count * (1 if unit in ("day", "天", "日") else 7))


def _weekday(words: _Words, today: date) -> date:
    """`friday`: the next one, today included. `next friday`, `下周五`: in the week after this one, which ends on
    Sunday.
    """
    name, which = (words["weekday"] or "").lower(), (words.get("which") or "").lower()
    wanted = (
        "一二三四五六日".index(name.replace("天", "日"))
        if name in "一二三四五六日天"
        else _WEEKDAYS.index(name[:3])
    )
    monday = today - timedelta(today.weekday())
    if which in _WEEKS:
        return monday + timedelta(7 * _WEEKS[which] + wanted)
    return today + timedelta((wanted - today.weekday()) % 7)


def _last_day(words: _Words, today: date) -> date:
    """`end of month`, `月底`, `下周`: the last day of it."""
    later = 1 if words.get("next") else 0
    span = (words["span"] or "").lower()
    if span in ("w", "week", "周", "星期", "礼拜"):
        return today + timedelta(6 - today.weekday() + 7 * later)
    months = {"q": 3, "季": 3, "y": 12, "年": 12}.get(span[:1], 1)
    ends_in = months - (today.month - 1) % months + months * later
    return _first_of_month(today, ends_in) - timedelta(1)


def _count(word: str | None) -> int:
    number = Number((Decimal(1),)) if word in ("a", "an") else read_number(word or "1")
    return int(number.values[0]) if isinstance(number, Number) else 1


def _month(word: str) -> int:
    return _MONTHS.index(word[:3].lower()) + 1 if word[:3].lower() in _MONTHS else _count(word)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _first_of_month(today: date, later: int) -> date:
    years, month = divmod(today.month - 1 + later, 12)
    return date(today.year + years, month + 1, 1)


# ── the phrases ─────────────────────────────────────────────────────────────────────────────────────

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKS = {"this": 0, "next": 1, "本": 0, "这": 0, "这个": 0, "下": 1, "下个": 1, "下下": 2}
_NEAR = {
    **dict.fromkeys(("today", "tonight", "eod", "end of day", "end of the day", "今天", "今日", "今晚"), 0),
    **dict.fromkeys(("tomorrow", "tmr", "tmrw", "明天", "明日", "明晚"), 1),
    **dict.fromkeys(("the day after tomorrow", "day after tomorrow", "后天"), 2),
    "大后天": 3,
}
_N = "[0-9]{1,3}|[一二两三四五六七八九十]{1,3}"
_WORD_N = f"{_N}|an?|one|two|three|four|five|six|seven|ten"
_IN_WORDS = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_DAY_NAMES = (
    "mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)

_RULES: tuple[tuple[re.Pattern[str], Callable[[_Words, date], date | None]], ...] = tuple(
    (re.compile(f"(?i){pattern}"), meaning)
    for pattern, meaning in (
        (r"(?<!\d)(?P<year>20\d\d)([-/.])(?P<month>[01]?\d)\2(?P<day>[0-3]?\d)(?!\d)", _calendar_day),
        (rf"(?:(?P<year>20\d\d)年)?(?P<month>{_N}) ?月 ?(?P<day>{_N})(?: ?[日号])?", _calendar_day),
        (rf"\b(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?: of)? (?P<month>{_IN_WORDS})\b(?:,? (?P<year>20\d\d))?", _calendar_day),
        (rf"\b(?P<month>{_IN_WORDS})\.? (?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b(?:,? (?P<year>20\d\d))?", _calendar_day),
        (r"\bthe (?P<day>[0-3]?\d)(?:st|nd|rd|th)\b(?P<next> of next month)?", _day_of_month),
        (rf"(?:本月|这个月|(?P<next>下个?月)|(?<![月\d]))(?P<day>{_N})[号日](?!后|之后|以后|内)", _day_of_month),
        (rf"\b(?P<near>{'|'.join(word for word in _NEAR if word.isascii())})\b", _near),
        (f"(?P<near>{'|'.join(word for word in _NEAR if not word.isascii())})", _near),
        (rf"\b(?:in|for)(?: the next)? (?P<count>{_WORD_N}) (?P<unit>day|week|month)s?\b", _after),
        (rf"\b(?P<count>{_WORD_N}) (?P<unit>day|week|month)s? (?:from now|from today|later)\b", _after),
        (f"(?P<count>{_N}) ?个?(?P<unit>天|日|周|星期|礼拜|月)(?:之后|以后|后|之内|内)", _after),
        (rf"\b(?:(?P<which>this|next) |coming )?(?P<weekday>{_DAY_NAMES})\b", _weekday),
        ("(?P<which>下下|下个|下|本|这个|这)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])", _weekday),
        (r"\b(?:the )?end of (?:the |this )?(?P<next>next )?(?P<span>week|month|quarter|year)\b", _last_day),
        (r"\b(?:(?P<next>next) )(?P<span>week|month|quarter)\b|\bmonth[- ]end\b", _last_day),
        (r"\beo(?P<span>[wmqy])\b", _last_day),
        ("(?:这个|本|这|当|(?P<next>下个|下))?(?P<span>周|星期|月|季度|季|年)[底末]", _last_day),
        ("(?P<next>下个|下)(?P<span>周|星期|礼拜|月|季度)", _last_day),
    )
)  # fmt: skip
