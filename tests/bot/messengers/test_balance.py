"""The balance as people read it on both messengers, in both languages: the answer first, and nothing untrue."""

from __future__ import annotations

import pytest

from tests.conversation import Talk

EVERYWHERE = (
    "slack-en",
    "dingtalk-en",
    "slack-zh",
    "dingtalk-zh",
    "slack-zh-postgres",
    "dingtalk-en-postgres",
)

EN = {
    "balance": "balance",
    "tomorrow": "You have $8.00 left, gone tomorrow at this pace",
    "bar": "92% used, 28% of the period gone",
    "of": "$112.00 of $120.00",
    "over": "You have nothing left and are $5.00 over what you had",
    "more": "$125.00, $5.00 more than there was",
    "lasts": "lasts the period",
}
ZH = {
    "balance": "余额",
    "tomorrow": "你还剩 $8.00，按目前速度明天用完",
    "bar": "已用 92%，本期已过 28%",
    "of": "$112.00 / $120.00",
    "over": "额度已用完，并超用了 $5.00",
    "more": "$125.00，超出可用额度 $5.00",
    "lasts": "够用到期末",
}


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_the_balance_answers_first_and_never_says_more_was_used_than_there_was(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    said = ZH if "-zh" in request.node.callspec.id else EN
    talk.spend("eve", 92)
    text = (await talk.say("eve", said["balance"])).text
    assert said["tomorrow"] in text
    assert said["bar"] in text
    await talk.say("alice", "lend @eve 20")
    talk.spend("eve", 112)  # in all, today
    assert said["of"] in (await talk.say("eve", said["balance"])).text
    talk.spend("eve", 125)
    text = (await talk.say("eve", said["balance"])).text
    assert said["over"] in text
    assert said["more"] in text
    assert said["lasts"] not in text
    talk.audit()
