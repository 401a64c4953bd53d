"""A reply below a card is about that card: a quoted message on DingTalk, a thread on Slack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.language.reader import only_code
from sandbox.dingtalk import organisation as dingtalk
from tests.bot.messengers.test_conversations import ZH, code_in, said
from tests.conversation import DingTalkTalk, Talk
from tests.dingtalk_env import GROUP
from tests.slack_env import CHANNEL, SlackEnv

__all__ = ["said"]


@pytest.mark.parametrize(
    "talk", ["slack-en", "slack-zh-postgres", "dingtalk-en", "dingtalk-zh"], indirect=True
)
async def test_a_word_below_a_card_decides_that_request_after_a_yes(talk: Talk, said: dict[str, str]) -> None:
    chinese = said is ZH
    first = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    card = await talk.hear("carol", first)
    second = code_in((await talk.say("bob", "申请 70" if chinese else "request 70")).text)
    await talk.hear("carol", second)
    asked = await talk.reply("carol", card, "这是做什么用的？" if chinese else "what is it for?")
    assert first in asked.text
    question = await talk.hear("alice", "这是做什么用的" if chinese else "what is it for")
    await talk.reply("alice", question, "压测" if chinese else "the load test")
    await talk.hear("carol", "压测" if chinese else "the load test")
    echo = await talk.reply("carol", card, "同意" if chinese else "ok, but only 40")
    assert first in echo.text
    assert chinese or "$40.00" in echo.text
    assert talk.left("alice") == 100
    await talk.reply("carol", card, "好的" if chinese else "yes")
    assert (talk.left("alice"), talk.left("bob")) == (160 if chinese else 140, 100)
    talk.audit()


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh"], indirect=True)
async def test_a_yes_below_an_ask_lends_and_other_words_mean_what_they_say(
    talk: Talk, said: dict[str, str]
) -> None:
    chinese = said is ZH
    await talk.say("bob", "向 @alice 借 10" if chinese else "borrow 10 from @alice")
    ask = await talk.hear("alice", "$10.00", "Bob")
    assert "$100.00" in (await talk.reply("alice", ask, "余额" if chinese else "balance")).text
    assert "$10.00" in (await talk.reply("alice", ask, "可以" if chinese else "sure")).text
    assert (talk.left("alice"), talk.left("bob")) == (90, 110)


async def test_in_the_thread_of_a_request_its_approver_may_just_say_so(env: SlackEnv) -> None:
    asking = env.slack.post(CHANNEL, "UALICE", "the load test needs more").ts
    await env.say("alice", "request 60 load test", channel=CHANNEL, thread=asking)
    code = only_code((await env.hear("carol", "load test")).shown)
    await env.settled()
    echo = await env.say("carol", "no, use the free models", channel=CHANNEL, thread=asking)
    assert code in echo.shown
    await env.say("carol", "yes", channel=CHANNEL, thread=asking)
    await env.hear("alice", "use the free models")
    stranger = await env.say("bob", "approve", channel=CHANNEL, thread=asking)
    assert "confirm.yes" not in stranger.actions


@pytest.mark.parametrize("talk", ["dingtalk-zh"], indirect=True)
async def test_a_quoted_card_is_known_by_its_words_where_dingtalk_does_not_name_it(talk: Talk) -> None:
    assert isinstance(talk, DingTalkTalk)
    code = code_in((await talk.say("alice", "申请 60")).text)
    card = (await talk.hear("carol", code)).what
    assert isinstance(card, dingtalk.Message)
    await talk.env.ding.reply("carol", replace(card, query=""), "批 20 就行", group=GROUP)
    assert "confirm.yes" in (await talk.hear("carol", code, "$20.00")).actions
    assert talk.left("alice") == 100
