"""A manager pauses somebody and lets them go on, on both messengers; where a gateway only observes, nobody is called paused."""

from __future__ import annotations

import pytest

from models.metering.gateway_account import GatewayAccount
from models.metering.reading import Reading
from tests.company import NOW, who
from tests.conversation import DingTalkTalk, SlackTalk, Talk

EN = {
    "pause": "pause @bob", "paused": "Bob is paused", "heard": "Carol paused you", "how": "resume Bob",
    "continue": "continue", "stays": "you stay paused", "not yours": "Only the managers of Bob",
    "resume": "resume @bob", "resumed": "Carol ended your pause", "cannot": "I can't stop the calls of Bob",
}  # fmt: skip
ZH = {
    "pause": "暂停 @bob", "paused": "已暂停 Bob", "heard": "Carol 暂停了你的使用", "how": "恢复 Bob",
    "continue": "继续", "stays": "仍处于暂停状态", "not yours": "只有 Bob 的主管", "resume": "恢复 @bob",
    "resumed": "Carol 解除了你的暂停", "cannot": "没法拦住 Bob 的调用",
}  # fmt: skip


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if "-zh" in request.node.callspec.id else EN


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh"], indirect=True)
async def test_a_manager_pauses_somebody_and_lets_them_go_on(talk: Talk, said: dict[str, str]) -> None:
    assert said["cannot"] in (await talk.say("carol", said["pause"])).text
    enforce(talk)
    assert said["not yours"] in (await talk.say("alice", said["pause"])).text
    assert said["paused"] in (await talk.say("carol", said["pause"])).text
    await talk.hear("bob", said["heard"], said["how"])
    assert said["stays"] in (await talk.say("bob", said["continue"])).text
    await talk.say("carol", said["resume"])
    await talk.hear("bob", said["resumed"])
    talk.audit()


def enforce(talk: Talk) -> None:
    assert isinstance(talk, SlackTalk | DingTalkTalk)
    talk.env.app.dispatcher.live = True
    reading = Reading("key-bob", 0, None, NOW)
    talk.env.database.transact(
        lambda session: GatewayAccount.link(session, reading, who(session, "bob")) and None
    )
