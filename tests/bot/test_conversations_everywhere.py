"""The same conversations on both messengers, in both languages, from the same functions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import dingtalk_stage
from tests import stage as slack_stage
from tests.stage import settled_copy
from tests.talk import DingTalkTalk, SlackTalk, Talk

ENGLISH = ("slack-en", "dingtalk-en")
EVERYWHERE = (*ENGLISH, "slack-zh", "dingtalk-zh")

EN = {
    "balance": "balance", "left": "You have $100.00 left", "lend": "lend @bob 20", "you lent": "You lent $20.00 to Bob",
    "lent you": "Alice lent you $20.00", "repay": "repay @alice 5", "gave back": "Given back to Alice: $5.00",
    "recall": "recall @bob 5", "recalled": "$5.00 is back from Bob", "request": "request 300 load test",
    "sent": "Your request for $300.00", "asks for": "Pia · payments asks for $300.00", "approved": "Lee approved $300.00 for you",
    "by lee": "$300.00 approved by Lee", "borrow": "borrow 10 from @eve", "asks": "Bob asks to borrow $10.00",
    "decline": "decline {} use the free models", "reason": "use the free models", "cancel": "cancel {}",
    "cancelled": "cancelled",
}  # fmt: skip
ZH = {
    "balance": "余额", "left": "你还剩 $100.00", "lend": "借给 @bob 20", "you lent": "已借给 Bob $20.00",
    "lent you": "Alice 借给你 $20.00", "repay": "还 @alice 5", "gave back": "已归还 Alice 未用的 $5.00",
    "recall": "收回 @bob 5", "recalled": "已从 Bob 收回 $5.00", "request": "申请 300 压测",
    "sent": "你申请的 $300.00", "asks for": "Pia · payments 申请 $300.00", "approved": "Lee 同意了 $300.00",
    "by lee": "Lee 已同意 $300.00", "borrow": "向 @eve 借 10", "asks": "Bob 想向你借 $10.00",
    "decline": "拒绝 {} 请先用免费模型", "reason": "请先用免费模型", "cancel": "撤回 {}",
    "cancelled": "已撤回",
}  # fmt: skip


@pytest.fixture
async def talk(request: pytest.FixtureRequest, tmp_path: Path, settled_template: Path) -> AsyncIterator[Talk]:
    messenger, language = request.param.split("-")
    url = settled_copy(settled_template, tmp_path)
    if messenger == "slack":
        async with slack_stage.raised(url, language=language) as on_slack:
            yield SlackTalk(on_slack)
    else:
        async with dingtalk_stage.raised(url, language=language) as on_dingtalk:
            yield DingTalkTalk(on_dingtalk)


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if request.node.callspec.id.endswith("zh") else EN


def code_in(text: str) -> str:
    found = re.search(r"[(（]([A-Z0-9]{4,6})[)）]", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_quota_is_lent_given_back_and_taken_back(talk: Talk, said: dict[str, str]) -> None:
    assert said["left"] in (await talk.say("alice", said["balance"])).text
    lent = await talk.say("alice", said["lend"])
    assert said["you lent"] in lent.text
    told = await talk.hear("bob", said["lent you"])
    assert "loan.return" in told.actions
    assert said["gave back"] in (await talk.say("bob", said["repay"])).text
    assert said["recalled"] in (await talk.say("alice", said["recall"])).text
    assert (talk.left("alice"), talk.left("bob")) == (90, 110)
    await talk.press("alice", lent, "loan.recall")
    assert (talk.left("alice"), talk.left("bob")) == (100, 100)
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_request_is_approved_with_one_click_and_its_card_settles(
    talk: Talk, said: dict[str, str]
) -> None:
    assert said["sent"] in (await talk.say("pia", said["request"])).text
    card = await talk.hear("lee", said["asks for"])
    await talk.press("lee", card, "request.approve")
    await talk.hear("pia", said["approved"], "$800.00")
    await talk.shows(card, said["by lee"])
    await talk.settles(card, "request.approve", "request.decline")
    assert talk.left("pia") == 800
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_request_is_declined_with_a_reason_that_the_requester_reads(
    talk: Talk, said: dict[str, str]
) -> None:
    code = code_in((await talk.say("pia", said["request"])).text)
    card = await talk.hear("lee", said["asks for"])
    await talk.say("lee", said["decline"].format(code))
    await talk.hear("pia", "Lee", said["reason"])
    await talk.settles(card, "request.approve", "request.decline")
    assert talk.left("pia") == 500


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_the_requester_takes_it_back_and_the_card_says_so(talk: Talk, said: dict[str, str]) -> None:
    code = code_in((await talk.say("pia", said["request"])).text)
    card = await talk.hear("lee", said["asks for"])
    assert said["cancelled"] in (await talk.say("pia", said["cancel"].format(code))).text
    await talk.shows(card, said["cancelled"])
    assert not card.actions


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_colleague_is_asked_and_lends_with_one_click(talk: Talk, said: dict[str, str]) -> None:
    await talk.say("bob", said["borrow"])
    ask = await talk.hear("eve", said["asks"])
    await talk.press("eve", ask, "borrow.accept")
    await talk.hear("bob", "Eve", "$10.00", "$110.00")
    await talk.settles(ask, "borrow.accept", "borrow.decline")
    assert talk.left("eve") == 90
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_an_ask_to_borrow_is_declined_kindly_and_its_card_settles(talk: Talk) -> None:
    await talk.say("bob", "borrow 10 from @eve")
    ask = await talk.hear("eve", "Bob asks to borrow $10.00")
    await talk.press("eve", ask, "borrow.decline")
    await talk.shows(ask, "Not this time")
    assert not ask.actions
    assert talk.left("eve") == 100


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_loan_is_spent_owed_taken_back_and_forgiven(talk: Talk) -> None:
    await talk.say("alice", "lend @bob 50")
    talk.spend("bob", 130)
    assert "To Bob: $20.00 unspent, they owe you $30.00" in (await talk.say("alice", "loans")).text
    assert "$20.00 is back from Bob" in (await talk.say("alice", "recall @bob")).text
    await talk.hear("bob", "Alice", "$20.00")
    assert "$10.00" in (await talk.say("alice", "forgive @bob 10")).text
    await talk.hear("bob", "Alice", "$10.00")
    assert talk.left("alice") == 70
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_borrower_gives_back_with_one_tap_and_the_lender_hears_of_it(talk: Talk) -> None:
    await talk.say("alice", "lend @eve 20")
    told = await talk.hear("eve", "Alice lent you $20.00")
    assert "$20.00" in await talk.press("eve", told, "loan.return")
    await talk.hear("alice", "Eve gave back $20.00")
    assert (talk.left("alice"), talk.left("eve")) == (100, 100)


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_help_history_and_the_language_one_chooses(talk: Talk) -> None:
    assert "What you can say" in (await talk.say("alice", "help")).text
    await talk.say("alice", "lend @bob 20")
    history = (await talk.say("alice", "history")).text
    assert "allocation" in history
    assert "Bob" in history
    assert "中文" in (await talk.say("alice", "lang zh")).text
    assert "你还剩" in (await talk.say("alice", "余额")).text
    assert "English" in (await talk.say("alice", "lang en")).text
