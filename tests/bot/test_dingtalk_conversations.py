"""The whole story as people live it on DingTalk: with a card template and without, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dingtalk_stage import GROUP, TEMPLATE, DingStage, buttons, raised, shown
from tests.stage import settled_copy

WAYS = [f"{shape}-{language}" for shape in ("card", "words") for language in ("en", "zh")]

EN = {
    "balance": "balance", "left": "You have **$100.00** left", "lend": "lend 20 to", "you lent": "You lent **$20.00** to Bob",
    "lent you": "Alice lent you **$20.00**", "request": "request 300 load test", "sent": "Your request for **$300.00**",
    "asks for": "**Pia** · payments asks for **$300.00**", "approve": "approve", "approved": "Lee approved **$300.00** for you",
    "by lee": "$300.00 approved by Lee", "decline": "decline {} not now", "declined": "Lee declined your request", "reason": "not now",
    "told no": "Pia was told", "borrow": "borrow 10 from", "asks": "Bob asks to borrow **$10.00**", "accept": "yes {}",
    "accepted": "You lent **$10.00** to Bob", "repay": "repay 5 to", "gave back": "Given back to Alice: **$5.00**",
    "privately": "Ask me in our chat", "loose": "lend bob 20", "yes": "yes", "right?": "Did I get that right?", "help": "What you can say",
}  # fmt: skip
ZH = {
    "balance": "余额", "left": "你还剩 **$100.00**", "lend": "借 20 给", "you lent": "已借给 Bob **$20.00**",
    "lent you": "Alice 借给你 **$20.00**", "request": "申请 300 压测", "sent": "你申请的 **$300.00**",
    "asks for": "**Pia** · payments 申请 **$300.00**", "approve": "同意", "approved": "Lee 同意了 **$300.00**",
    "by lee": "Lee 已同意 $300.00", "decline": "拒绝 {} 下个月再说", "declined": "Lee 拒绝了你的申请", "reason": "下个月再说",
    "told no": "理由已转告 Pia", "borrow": "向 借 10", "asks": "Bob 想向你借 **$10.00**", "accept": "确认 {}",
    "accepted": "已借给 Bob **$10.00**", "repay": "还 5", "gave back": "已还给 Alice：未用的 **$5.00**",
    "privately": "请私聊我", "loose": "借给 bob 20", "yes": "确认", "right?": "我理解得对吗", "help": "你可以这样说",
}  # fmt: skip


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path, settled_template: Path) -> AsyncIterator[DingStage]:
    shape, language = getattr(request, "param", "card-zh").split("-")
    url = settled_copy(settled_template, tmp_path)
    async with raised(url, template=TEMPLATE if shape == "card" else "", language=language) as stage:
        yield stage


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return EN if request.node.callspec.id.endswith("en") else ZH


async def test_the_balance_costs_no_metered_call_in_either_language(stage: DingStage) -> None:
    assert "你还剩 **$100.00**" in (await stage.say("alice", "balance")).text
    assert (await stage.say("alice", "")).way == "sessionWebhook"
    assert stage.metered == 0


@pytest.mark.parametrize("stage", WAYS, indirect=True)
async def test_the_whole_story(stage: DingStage, said: dict[str, str]) -> None:
    assert said["left"] in (await stage.say("alice", said["balance"])).text

    await stage.say("alice", said["lend"], at=["bob"], group=GROUP)
    assert said["you lent"] in "".join(one.text for one in stage.ding.heard("alice")) + _cards(stage, "alice")
    await _hears(stage, "bob", said["lent you"])
    assert (stage.left("alice"), stage.left("bob")) == (80, 120)

    await stage.say("bob", said["repay"], at=["alice"], group=GROUP)
    await stage.hear("bob", said["gave back"])
    assert (stage.left("alice"), stage.left("bob")) == (85, 115)

    await _ask_and_approve(stage, said)
    await _borrow(stage, said)
    stage.audit()


async def _ask_and_approve(stage: DingStage, said: dict[str, str]) -> None:
    before = stage.metered
    assert said["sent"] in (await stage.say("pia", said["request"])).text
    code = await _asked(stage, "lee", said["asks for"])
    if stage.house.dingtalk.template:
        card = await stage.card("lee", said["asks for"])
        await stage.press("lee", card, "request.approve")
        assert said["by lee"] in shown(card, "pia")
        assert set(buttons(card, "lee").values()) <= {"request.revoke"}
    else:
        await stage.say("lee", f"{said['approve']} {code}")
    await stage.hear("pia", said["approved"])
    await stage.settled()
    assert stage.left("pia") == 800
    assert stage.metered - before <= 4


async def _borrow(stage: DingStage, said: dict[str, str]) -> None:
    await stage.say("bob", said["borrow"], at=["eve"], group=GROUP)
    await _hears(stage, "eve", said["asks"])
    if stage.house.dingtalk.template:
        card = await stage.card("eve", said["asks"])
        assert "$10.00" in (await stage.press("eve", card, "borrow.accept"))["hint"]
        assert not {"borrow.accept", "borrow.decline"} & set(buttons(card, "eve").values())
    else:
        code = stage.effects()[-1].about.removeprefix("ask:")
        assert said["accepted"] in (await stage.say("eve", said["accept"].format(code))).text
    assert stage.left("eve") == 90


async def _hears(stage: DingStage, name: str, words: str) -> None:
    await (stage.card if stage.house.dingtalk.template else stage.hear)(name, words)


async def _asked(stage: DingStage, name: str, words: str) -> str:
    await _hears(stage, name, words)
    return next(one.about for one in stage.effects() if (one.about or "").startswith("request:")).removeprefix("request:")


def _cards(stage: DingStage, name: str) -> str:
    return "".join(shown(one, name) for one in stage.ding.cards.values() if name in one.places)
