"""Days as people name them: on a Wednesday in November, and at the edges of months and years."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.language.dates import find_date, read_date

WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *[(text, "2026-11-25") for text in ("today", "tonight", "EOD", "Wed", "wednesday", "this wednesday", "今天", "今晚", "周三", "本周三", "25号")],
        *[(text, "2026-11-26") for text in ("tomorrow", "tmr", "thursday", "明天", "明日", "Thu")],
        *[(text, "2026-11-27") for text in ("friday", "Fri", "this Friday", "the day after tomorrow", "后天", "周五", "星期五", "礼拜五", "本周五", "这周五")],
        *[(text, "2026-11-28") for text in ("in 3 days", "3 days from now", "for 3 days", "in three days", "三天后", "3天后", "3天之后", "大后天", "3 天后")],
        *[(text, "2026-11-29") for text in ("end of the week", "eow", "周日", "星期天", "周末", "sunday")],
        *[(text, "2026-11-30") for text in ("end of month", "end of the month", "eom", "month end", "月底", "月末", "本月底", "这个月底", "Monday")],
        *[(text, "2026-12-02") for text in ("in a week", "in one week", "一周后", "1周后", "一个星期后")],
        *[(text, "2026-12-04") for text in ("next friday", "Next Fri", "下周五", "下星期五", "下个礼拜五")],
        *[(text, "2026-12-09") for text in ("in two weeks", "in 2 weeks", "两周后", "两个星期以后", "2周后")],
        *[(text, "2026-12-06") for text in ("next week", "下周", "下周日", "下周末")],
        *[(text, "2026-12-07") for text in ("下下周一", "7 Dec", "12月7号")],
        *[(text, "2026-12-15") for text in ("15 Dec", "Dec 15", "December 15th", "15th of December", "dec. 15", "2026-12-15", "2026/12/15", "the 15th", "15 December 2026", "Dec 15, 2026")],
        *[(text, "2026-12-15") for text in ("12月15日", "12 月 15 日", "12月15号", "十二月十五日", "2026年12月15日", "15号")],
        *[(text, "2026-12-01") for text in ("十二月一日", "下个月1号", "下月一号", "1号")],
        *[(text, "2026-12-25") for text in ("in a month", "一个月后")],
        *[(text, "2026-12-31") for text in ("end of next month", "下月底", "下个月底", "end of year", "年底", "end of the quarter", "季度末", "eoq", "31 dec")],
        *[(text, "2027-01-05") for text in ("5 Jan", "Jan 5", "1月5日", "5 January 2027")],
    ],
)  # fmt: skip
def test_a_named_day(text: str, day: str) -> None:
    assert read_date(text, WEDNESDAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "50",
        "三天",
        "3 days ago",
        "friday or monday",
        "30 Feb",
        "2026-13-01",
        "99号",
        "maybe",
        "马上",
        "号",
    ],
)
def test_what_names_no_day_is_none(text: str) -> None:
    assert read_date(text, WEDNESDAY) is None


def test_spaces_around_do_not_matter() -> None:
    assert read_date("  next friday ", WEDNESDAY) == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("text", "today", "day"),
    [
        ("in a month", date(2027, 1, 31), date(2027, 2, 28)),
        ("end of month", date(2028, 2, 1), date(2028, 2, 29)),
        ("end of next month", date(2026, 12, 31), date(2027, 1, 31)),
        ("下个月31号", date(2026, 12, 1), date(2027, 1, 31)),
        ("the 30th", date(2027, 1, 31), None),
        ("friday", date(2026, 11, 27), date(2026, 11, 27)),
        ("next friday", date(2026, 11, 29), date(2026, 12, 4)),
        ("today", date(2026, 12, 31), date(2026, 12, 31)),
        ("end of the quarter", date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_the_edges_of_months_and_weeks(text: str, today: date, day: date | None) -> None:
    assert read_date(text, today) == day


def test_a_day_is_found_inside_a_sentence() -> None:
    text = "request 200 until 15 Dec for the load test"
    phrase = find_date(text)
    assert phrase
    assert text[phrase.start : phrase.end] == "15 Dec"
    assert phrase.day(WEDNESDAY) == date(2026, 12, 15)


def test_the_longer_of_two_readings_wins() -> None:
    phrase = find_date("委托她到下周五")
    assert phrase
    assert phrase.day(WEDNESDAY) == date(2026, 12, 4)


@given(st.text(max_size=60), st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_no_text_breaks_it(text: str, today: date) -> None:
    phrase = find_date(text)
    assert phrase is None or isinstance(phrase.day(today), date | None)


@given(st.dates(date(2026, 1, 1), date(2090, 1, 1)), st.dates(date(2026, 1, 1), date(2090, 1, 1)))
def test_a_written_out_day_is_that_day(day: date, today: date) -> None:
    for text in (day.isoformat(), f"{day.day} {day:%b} {day.year}", f"{day.year}年{day.month}月{day.day}日"):
        assert read_date(text, today) == day
