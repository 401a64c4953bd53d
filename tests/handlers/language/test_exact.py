"""What runs at once: the typed grammar with nothing left over, or with a reason that nobody reads otherwise."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from handlers.command import Command
from handlers.language.understanding import number_of, understand

BOB = "<@U02BOB>"
WEDNESDAY = date(2026, 11, 25)
TRAPS = [
    json.loads(line)["t"] for line in Path(__file__).with_name("traps.jsonl").read_text("utf-8").splitlines()
]


def asks(text: str) -> Command:
    return understand(text.replace("@@", BOB), today=WEDNESDAY)


@pytest.mark.parametrize(
    "text",
    [
        *TRAPS,
        "lend @@ 50 quid",
        "lend @@ 50 again tomorrow",
        "lend @@ 50 for the demo every friday",
        "lend @@ 50 to carol",
        "借给@@ 50 英镑",
        "借给@@ 50 每周",
        "借给@@ 50 周一",
        "申请 30 张票",
        "recall @@",
        "收回 @@",
        "forgive @@",
        "免还 @@",
        "forgive @@ for now",
        "decline AB12 oops",
        "同意 AB12 才怪",
    ],
)
def test_what_may_be_meant_otherwise_is_no_exact_command(text: str) -> None:
    assert asks(text).confidence != "exact"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("申请 200 修复 3 个 bug", "修复 3 个 bug"),
        ("request 120 second try", "second try"),
        ("申请 100 给GPT-5做评测", "给GPT-5做评测"),
        ("request 200 2 new hires, 3 laptops", "2 new hires, 3 laptops"),
        ("request 200 file uploads", "file uploads"),
        ("request 5 seats", "seats"),
        ("申请 100 台机器", "台机器"),
        ("request 200 `make test` for *v2*", "`make test` for *v2*"),
        ("request 200 @@ needs it", f"{BOB} needs it"),
        ("request 200 x", "x"),
    ],
)
def test_after_the_number_of_a_request_everything_is_the_reason(text: str, reason: str) -> None:
    found = asks(text)
    number = text.split()[1]
    assert (found.intent, number_of(found), found.reason) == ("request", number, reason)


def test_a_day_is_read_from_the_reason_of_a_request() -> None:
    found = asks("request 200 load test until 15 Dec")
    assert (found.until, found.reason, found.confidence) == ("2026-12-15", "load test until 15 Dec", "exact")


@pytest.mark.parametrize("text", ["lend @@ 50 pounds", "lend @@ 50 euros", "借给@@ 50 港币", "申请 50 日元"])
def test_a_foreign_currency_reaches_the_one_who_refuses_it(text: str) -> None:
    found = asks(text)
    assert found.amount is not None
    assert number_of(found) is None


@pytest.mark.parametrize(
    ("text", "intent", "amount", "reason"),
    [
        ("AB12 通过", "approve", None, ""),
        ("7KQ2 给50就行", "approve", "50", ""),
        ("AB12批100", "approve", "100", ""),
        ("yes to AB12", "approve", None, ""),
        ("ok for 7KQ2", "approve", None, ""),
        ("拒了7KQ2，先用免费模型", "decline", None, "先用免费模型"),
        ("AB12: denied, budget's gone", "decline", None, "budget's gone"),
        ("no to AB12", "decline", None, ""),
        ("take back the approval for AB12", "revoke", None, ""),
        ("take back my request AB12", "cancel", None, ""),
    ],
)
def test_a_code_with_a_yes_or_a_no_is_a_decision_to_be_confirmed(
    text: str, intent: str, amount: str | None, reason: str
) -> None:
    found = asks(text)
    assert (found.intent, found.amount, found.reason, found.confidence) == (intent, amount, reason, "clear")
    assert found.code in ("AB12", "7KQ2")


@pytest.mark.parametrize(
    "text",
    [
        "AB12 通过了吗",
        "AB12 approved?",
        "don't approve AB12",
        "他说AB12通过",
        "GPT5 通过了测试",
        "AB12 没通过",
        "HTTP 404 ok",
    ],
)
def test_talk_about_a_code_decides_nothing(text: str) -> None:
    assert asks(text).intent not in ("approve", "decline", "cancel", "revoke")


@pytest.mark.parametrize(
    ("text", "intent", "name"),
    [
        ("borrow 50", "borrow", None),
        ("借 50", "borrow", None),
        ("borrow 50 from @@", "borrow", "U02BOB"),
        ("借 50 给 @@", "lend", "U02BOB"),
        ("mute @@", "mute", "U02BOB"),
        ("取消屏蔽 @@", "unmute", "U02BOB"),
        ("no asks", "no_asks", None),
        ("give 500 to team", "give", None),
        ("give all to my team", "give", None),
        ("给团队 500", "give", None),
        ("给团队 全部", "give", None),
        ("退回 500", "give", None),
        ("接受借用", "allow_asks", None),
    ],
)
def test_whoever_can_spare_it_is_asked_only_where_nobody_is_named(
    text: str, intent: str, name: str | None
) -> None:
    found = asks(text)
    assert (found.intent, found.person.id if found.person else None) == (intent, name)
