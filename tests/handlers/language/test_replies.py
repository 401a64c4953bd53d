"""What a few words mean below a card."""

from __future__ import annotations

from datetime import date

import pytest

from handlers.language.reader import read_command
from handlers.language.replies import by_approver, by_lender, by_requester

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("words", "intent", "amount", "reason"),
    [
        ("同意", "approve", None, ""),
        ("好的", "approve", None, ""),
        ("👍", "approve", None, ""),
        ("ok", "approve", None, ""),
        ("批 100", "approve", "100", ""),
        ("100", "approve", "100", ""),
        ("ok, but only 40", "approve", "40", ""),
        ("拒绝 下个月再说", "decline", None, "下个月再说"),
        ("no, too expensive", "decline", None, "too expensive"),
        ("不行", "decline", None, ""),
        ("what is it for?", "ask", None, "what is it for?"),
        ("哪个项目用的呢", "ask", None, "哪个项目用的呢"),
        ("收回", "revoke", None, ""),
    ],
)
def test_an_approver_decides_or_asks_back(words: str, intent: str, amount: str | None, reason: str) -> None:
    found = by_approver(read_command(words, TODAY), "AB12", TODAY)
    assert found is not None
    assert (found.intent, found.code, found.amount, found.reason) == (intent, "AB12", amount, reason)
    assert intent == "ask" or not found.exact


@pytest.mark.parametrize(
    "words", ["balance", "余额", "lend <@U02BOB> 50", "approve 7KQ2", "谢谢", "I'll look at it later"]
)
def test_other_words_below_a_card_mean_what_they_say(words: str) -> None:
    assert by_approver(read_command(words, TODAY), "AB12", TODAY) is None


@pytest.mark.parametrize(
    ("words", "asked", "intent"),
    [
        ("撤回", False, "cancel"),
        ("不要了，撤回吧", False, "cancel"),
        ("催一下", False, "nudge"),
        ("nudge", True, "nudge"),
        ("for the load test", True, "answer"),
        ("for the load test", False, None),
        ("yes", False, None),
        ("谢谢", True, None),
    ],
)
def test_a_requester_cancels_reminds_or_answers(words: str, asked: bool, intent: str | None) -> None:
    found = by_requester(read_command(words, TODAY), "AB12", TODAY, asked=asked)
    assert (found.intent if found else None) == intent


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("ok", "yes"),
        ("可以", "yes"),
        ("借", None),
        ("no thanks", "no"),
        ("拒绝", "no"),
        ("lend <@U02BOB> 5", None),
    ],
)
def test_a_lender_says_yes_or_no(words: str, intent: str | None) -> None:
    found = by_lender(read_command(words, TODAY), "AB12")
    assert (found.intent if found else None) == intent
