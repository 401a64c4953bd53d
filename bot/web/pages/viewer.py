"""A person who looks at the pages, and the periods that they may choose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_compact_decimal
from sqlmodel import Session, col, select

from handlers.context import Reader
from handlers.words import texts
from handlers.words.text import SafeText
from models.ledger.amount import plain
from models.policy.document import Policy
from models.policy.sight import Sight
from models.quota.period import Period
from models.reports.kept import PERIODS
from models.reports.spending import period_named

Facts = dict[str, Any]


@dataclass(frozen=True)
class Viewer:
    """The person who looks: what they may see, and how they read."""

    session: Session
    policy: Policy
    version: int
    sight: Sight
    reader: Reader
    now: datetime

    def amount(self, stored: int) -> SafeText:
        return self.reader.amount(stored)

    def short(self, value: float) -> str:
        """An axis label: `1.2K`, `12万`."""
        number = Decimal(plain(int(value), self.policy.unit))
        return str(format_compact_decimal(number, locale=self._locale, fraction_digits=1))

    def short_count(self, count: int) -> str:
        return str(format_compact_decimal(count, locale=self._locale, fraction_digits=1))

    @property
    def _locale(self) -> Locale:
        return Locale.parse("zh_CN" if self.reader.chinese else "en_GB")

    def say(self, text: Any, **facts: Any) -> SafeText:
        # The template escapes, so names are not escaped a second time.
        return SafeText(text(self.reader.locale, **{name: SafeText(one) for name, one in facts.items()}))


def period_of(viewer: Viewer, name: str) -> Period | None:
    try:
        return period_named(viewer.session, name or None, viewer.policy.zone)
    except ValueError:
        return period_named(viewer.session, None, viewer.policy.zone)


def named(viewer: Viewer, period: Period) -> str:
    return f"{period.starts_at.astimezone(viewer.policy.zone):%Y-%m-%d}"


def periods_of(viewer: Viewer) -> list[tuple[str, str]]:
    """The latest periods: the day that names each, and its first and last day."""
    query = select(Period).order_by(col(Period.starts_at).desc()).limit(PERIODS)
    return [
        (
            named(viewer, one),
            f"{viewer.reader.day(one.starts_at)} – {viewer.reader.last_day(one.ends_at)}",
        )
        for one in viewer.session.exec(query).all()
    ]


def lasted(viewer: Viewer, time: timedelta | None) -> str:
    if time is None:
        return "–"
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return viewer.say(texts.PAGE_UNDER_A_MINUTE)
    if minutes < 120:
        return viewer.say(texts.PAGE_MINUTES, count=str(minutes))
    return viewer.say(texts.PAGE_HOURS, count=str(round(minutes / 60)))
