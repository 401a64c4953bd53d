"""What admins hear also stands in the admin channel, on either messenger."""

from __future__ import annotations

import pytest

from models.policy import versions
from tests.company import NOW, POLICY
from tests.conversation import DingTalkTalk, SlackTalk, Talk
from tests.dingtalk_env import GROUP
from tests.slack_env import CHANNEL

WHOLE = POLICY.replace("  fallback_approvers: [cfo@corp.example]\n", "")


def in_channel(talk: Talk) -> list[str]:
    if isinstance(talk, SlackTalk):
        return [one.shown for one in talk.env.slack.messages if one.channel == CHANNEL]
    assert isinstance(talk, DingTalkTalk)
    return [one.text for one in talk.env.ding.messages if one.place == GROUP]


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh", "slack-zh-postgres"], indirect=True)
async def test_a_request_that_nobody_can_decide_is_told_to_admins_and_in_their_channel(talk: Talk) -> None:
    policy = WHOLE + f"admin_channel: {{slack: {CHANNEL}, dingtalk: {GROUP}}}\n"
    talk.env.database.transact(lambda session: versions.record_version(session, policy, NOW, "ops") and None)
    await talk.say("max", "request 300 load test")
    words = "nobody can decide" if isinstance(talk, SlackTalk) else "没有人能审批"
    await talk.env.until(lambda: [one for one in in_channel(talk) if words in one])
    assert sum(words in one for one in in_channel(talk)) == 1
    await talk.hear("ops", "Max", "$300.00")
