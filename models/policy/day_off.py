"""Public holidays of a country, and the weekend days on which its people work instead."""

from __future__ import annotations

from datetime import date
from functools import lru_cache


def is_country(code: str) -> bool:
    """`CN`, or with a state: `DE-BY`."""
    from holidays import list_supported_countries  # noqa: PLC0415 - 50 ms of the start, for policies that name a country

    country, _, state = code.partition("-")
    known = list_supported_countries().get(country)
    return known is not None and (not state or state in known)


def off(code: str, day: date) -> bool | None:
    """True: a public holiday; False: a weekend day made up for; None: a usual day."""
    holidays, worked = _year(code, day.year)
    return True if day in holidays else False if day in worked else None


@lru_cache(maxsize=100)
def _year(code: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    from holidays import country_holidays  # noqa: PLC0415

    # Of a year that a government has not decided yet, the law's own days.
    country, _, state = code.partition("-")
    found = country_holidays(country, subdiv=state or None, years=year)
    worked = {day for day in getattr(found, "weekend_workdays", ()) if day.year == year}
    return frozenset(found.keys()), frozenset(worked)
