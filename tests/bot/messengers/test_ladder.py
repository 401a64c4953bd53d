"""Who has used up their own quota reads which models go on, and an approver for which models money is asked; on both messengers."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.ladder import Offer, as_kept
from models.metering.model_list import ModelList
from models.metering.reading import Reading
from models.policy import versions
from tests.company import NOW, POLICY, who
from tests.conversation import DingTalkTalk, SlackTalk, Talk

# `plain` of a talk drops the asterisks of `internal-*`.
CHEAP = ("deepseek-v4",)
TIER = "    amount: 0\n    models: [internal-*]\n"
RULES = POLICY.replace("    amount: 0\n", TIER) + "fallback: {models: [deepseek-*], amount: 20}\n"
EN = {
    "balance": "balance", "goes on": "deepseek-v4 can still be used, up to $15.00 more", "request": "request 50 demo",
    "meanwhile": "Meanwhile deepseek-v4 can still be used", "only": "internal- only", "free": "Your models",
}  # fmt: skip
ZH = {
    "balance": "余额", "goes on": "deepseek-v4 还可使用，最多 $15.00", "request": "申请 50 演示",
    "meanwhile": "等待期间仍可使用 deepseek-v4", "only": "仅限 internal-", "free": "可用模型",
}  # fmt: skip


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh"], indirect=True)
async def test_people_read_which_models_go_on_and_for_which_their_quota_is(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    said = ZH if "-zh" in request.node.callspec.id else EN
    talk.spend("alice", 105)
    assert isinstance(talk, SlackTalk | DingTalkTalk)
    talk.env.database.transact(_on_the_fallback)
    assert said["goes on"] in (await talk.say("alice", said["balance"])).text
    assert said["meanwhile"] in (await talk.say("alice", said["request"])).text
    await talk.say("dan", said["request"])
    # Carol reads English on Slack and, as everybody there, Chinese on DingTalk.
    await talk.hear("carol", "Dan", said["only"])
    assert said["free"] in (await talk.say("dan", said["balance"])).text


def _on_the_fallback(session: Session) -> None:
    versions.record_version(session, RULES, NOW, "ops")
    state = GatewayState.of(session)
    state.kind, state.lists = "litellm", as_kept({(("deepseek-*",),): Offer(CHEAP, CHEAP)})
    account = GatewayAccount.link(session, Reading("key-alice", 0, None, NOW), who(session, "alice"))
    account.keep_models(ModelList(CHEAP, (), CHEAP, fallback=True))
