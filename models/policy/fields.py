"""The values of policy.yaml, one kind a function. Each error says what is needed instead."""

from __future__ import annotations

import re
from datetime import time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator, InstanceOf, ValidationInfo

from models.ledger.amount import Unit, Why, from_plain
from models.policy.calendar import Cadence
from models.policy.day_off import is_country
from models.policy.yaml_tree import guess
from models.refusal import BadAmount

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


_UNITS = {
    **{unit.lower(): unit for unit in Unit},
    **dict.fromkeys(("rmb", "yuan", "cnh", "人民币", "元", "¥", "￥"), Unit.CNY),
    **dict.fromkeys(("dollar", "dollars", "us$", "$", "美元"), Unit.USD),
    **dict.fromkeys(("credit", "points", "积分"), Unit.CREDITS),
    **dict.fromkeys(("token",), Unit.TOKENS),
}
"""What people also call a unit, for a hint."""
_PLACES = {
    **dict.fromkeys(
        ("asia/beijing", "beijing", "shanghai", "china", "asia/china", "北京", "上海", "cst"), "Asia/Shanghai"
    ),
    **dict.fromkeys(("gmt+8", "utc+8", "gmt+08:00", "utc+08:00", "+8", "+08:00", "+0800"), "Asia/Shanghai"),
    **dict.fromkeys(
        ("asia/shenzhen", "asia/guangzhou", "asia/hangzhou", "shenzhen", "hangzhou"), "Asia/Shanghai"
    ),
    **dict.fromkeys(("asia/bangalore", "asia/mumbai", "asia/delhi", "ist"), "Asia/Kolkata"),
    **dict.fromkeys(
        ("pst", "pdt", "pst8", "america/san_francisco", "america/seattle"), "America/Los_Angeles"
    ),
    **dict.fromkeys(("edt", "america/boston", "america/washington"), "America/New_York"),
}
"""What people also call a time zone, for a hint."""


def _unit(value: Any) -> Unit:
    try:
        return Unit(value)
    except ValueError:
        meant = _UNITS.get(value.strip().lower()) if isinstance(value, str) else None
        hint = f' Did you mean "{meant}"?' if meant else ""
        raise _instead(f"must be {_either(list(Unit))}", value, hint) from None


def _amount(value: Any, info: ValidationInfo) -> int:
    # In the unit that the same file names.
    number = _number(value)
    if number < 0:
        raise ValueError("must not be negative")
    unit: Unit | None = (info.context or {}).get("unit")
    try:
        return from_plain(number, unit) if unit else 0
    except BadAmount as no:
        assert unit is not None
        raise ValueError(_bad_amount(no.why, unit)) from no


def _bad_amount(why: str, unit: Unit) -> str:
    if why == Why.TOO_PRECISE:
        return (
            "has more than six digits after the point"
            if unit.scale > 1
            else f"must be whole: there are no parts of {unit}"
        )
    return f"is more than can be counted in {unit}"


def _share(value: Any) -> Decimal:
    number = _number(value)
    if not 0 <= number <= 1:
        hint = f"; {number} % is {number / 100}" if 1 < number <= 100 else ""
        raise ValueError(f"is a share and must be from 0 to 1{hint}")
    if number != round(number, 6):
        raise ValueError("has more than six digits after the point")
    return number


def _rate(value: Any) -> Decimal:
    number = _number(value)
    if number <= 0:
        raise ValueError("must be more than zero")
    return number


def _count(value: Any) -> int:
    number = _number(value)
    if number < 0 or number != int(number):
        raise ValueError("must be a whole number, zero or more")
    return int(number)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _instead("a number is needed, such as 100", value)
    return Decimal(value)


def _duration(value: Any) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4})\s*([mhd])", value) if isinstance(value, str) else None
    if found is None:
        raise _instead("a time is needed, such as 30m, 4h or 3d", value)
    return (
        int(found[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[found[2]]
    )


def _hours(value: Any) -> tuple[time, time] | None:
    if value is None:
        return None
    begin, _, end = value.partition("-") if isinstance(value, str) else ("", "", "")
    hours = _time_of_day(begin), _time_of_day(end)
    if hours[0] is None or hours[1] is None:
        raise _instead('two times of the day are needed, such as "20:00-08:00"', value)
    if hours[0] == hours[1]:
        raise ValueError("begins when it ends; for whole days list them under days")
    return hours[0], hours[1]


def _time_of_day(text: str) -> time | None:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00", text.strip())
    return time(int(found[1] or 0), int(found[2] or 0)) if found else None


def _weekday(value: Any) -> int:
    word = value.lower() if isinstance(value, str) else ""
    for number, name in enumerate(WEEKDAYS):
        if word in (name, name[:3]):
            return number
    raise _instead("must be mon, tue, wed, thu, fri, sat or sun", value)


def _holidays(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return ((_country(value), ()),)
    if not isinstance(value, dict):
        raise _instead("a country is needed, such as CN, or countries with zones, {CN: Asia/Shanghai}", value)
    return tuple((_country(country), _zones(zones)) for country, zones in value.items())


def _country(value: Any) -> str:
    code = value.strip().upper() if isinstance(value, str) else ""
    if not is_country(code):
        raise _instead("a country is needed, such as CN, US or DE-BY", value)
    return code


def _zones(value: Any) -> tuple[str, ...]:
    zones = value if isinstance(value, list | tuple) else [value]
    if not zones:
        raise _instead("the zones of its people are needed, such as Asia/Shanghai", value)
    return tuple(_zone(one) for one in zones)


def _email(value: Any) -> str:
    if not isinstance(value, str) or not is_email(value.strip()):
        raise _instead("an e-mail address is needed", value)
    return value.strip().lower()


def is_email(text: str) -> bool:
    """Whether this may be an e-mail address. `check` says whether a member has it."""
    return (
        len(text) <= 254
        and re.fullmatch(r"""[^@\s,;:<>()\[\]"\\]+@[^@\s,;:<>()\[\]"'\\]+""", text) is not None
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _instead("text is needed, in quotes where it looks like something else", value)
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _cell(value: Any) -> str:
    # A number is compared as it is written; empty text stands for an empty column.
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise _instead('one value is needed, "" for an empty column, and text in quotes', value)
    return value.strip()


def _zone(value: Any) -> str:
    # Only names of places: an abbreviation such as CST means three zones.
    """Only names of places: an abbreviation such as CST means three zones."""
    if not isinstance(value, str) or value not in zones():
        meant = _PLACES.get(value.strip().lower()) if isinstance(value, str) else None
        close = (
            f' Did you mean "{meant}"?' if meant else guess(value, zones()) if isinstance(value, str) else ""
        )
        raise _instead("a time zone is needed, such as Asia/Shanghai or UTC", value, close)
    return value


@lru_cache(1)
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _cadence(value: Any) -> Cadence:
    if isinstance(value, dict) and list(value) == ["monthly"]:
        day = value["monthly"]
        if isinstance(day, bool) or not isinstance(day, int) or not 1 <= day <= 31:
            raise _instead("monthly: a day from 1 to 31 is needed", day)
        return Cadence("monthly", day)
    for kind in ("monthly", "weekly", "quarterly"):
        if value == kind:
            return Cadence(kind)
    raise _instead("must be monthly, {monthly: 15}, weekly or quarterly", value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _instead("must be true or false", value)
    return value


def _channel(value: Any) -> str:
    if value not in ("card", "oa"):
        raise _instead("must be card or oa", value)
    return str(value)


def _instead(wanted: str, value: Any, hint: str = "") -> ValueError:
    return ValueError(f"{wanted}, not {said(value)}{f'.{hint}' if hint else ''}")


def said(value: Any) -> str:
    """A value as it was written, short enough for a sentence."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a section with keys"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    shown = text if len(text) <= 40 else f"{text[:39]}…"
    return f'"{shown}"' if isinstance(value, str) else shown


def _either(words: list[Any]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


UnitName = Annotated[Unit, BeforeValidator(_unit)]
Amount = Annotated[int, BeforeValidator(_amount)]
Share = Annotated[Decimal, BeforeValidator(_share)]
Rate = Annotated[Decimal, BeforeValidator(_rate)]
Count = Annotated[int, BeforeValidator(_count)]
Wait = Annotated[timedelta, BeforeValidator(_duration)]
Hours = Annotated[tuple[time, time] | None, BeforeValidator(_hours)]
Holidays = Annotated[tuple[tuple[str, tuple[str, ...]], ...], BeforeValidator(_holidays)]
Weekday = Annotated[int, BeforeValidator(_weekday)]
Email = Annotated[str, BeforeValidator(_email)]
Text = Annotated[str, BeforeValidator(_text)]
Cell = Annotated[str, BeforeValidator(_cell)]
Zone = Annotated[str, BeforeValidator(_zone)]
Period = Annotated[InstanceOf[Cadence], BeforeValidator(_cadence)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Channel = Annotated[str, BeforeValidator(_channel)]
