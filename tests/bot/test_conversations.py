"""The whole story as people live it: over both transports, on both databases, in both languages."""

from __future__ import annotations

import pytest

from tests.stage import CHANNEL, Stage, code_of

WAYS = [f"{mode}-{kind}" for mode in ("socket", "http") for kind in ("sqlite", "postgres")]
EVERY_WAY = [f"{way}-{language}" for way in WAYS for language in ("en", "zh")]

EN = {
    "lend": "lend @bob 20 for the demo", "repay": "repay @alice 5", "recall": "recall @bob 5", "borrow": "borrow 10 from @eve",
    "request": "request 300 load test", "you lent": "You lent *$20.00* to Bob", "lent you": "Alice lent you *$20.00*",
    "gave back": "Given back to Alice: *$5.00*", "recalled": "*$5.00* is back from Bob", "asks": "Bob asks to borrow *$10.00*",
    "sent": "Your request for *$300.00*", "asks for": "*Pia* · payments asks for *$300.00*", "approved": "Lee approved *$300.00* for you",
    "by lee": "$300.00 approved by Lee", "waiting": "waiting for Lee", "left": "You have *$100.00* left", "not lent": "You can lend up to $60.00",
}  # fmt: skip
ZH = {
    "lend": "借给 @bob 20 做演示", "repay": "还 @alice 5", "recall": "收回 @bob 5", "borrow": "向 @eve 借 10",
    "request": "申请 300 压测", "you lent": "已借给 Bob *$20.00*", "lent you": "Alice 借给你 *$20.00*",
    "gave back": "已还给 Alice：未用的 *$5.00*", "recalled": "已从 Bob 收回 *$5.00*", "asks": "Bob 想向你借 *$10.00*",
    "sent": "你申请的 *$300.00*", "asks for": "*Pia* · payments 申请 *$300.00*", "approved": "Lee 同意了 *$300.00*",
    "by lee": "Lee 已同意 $300.00", "waiting": "等待 Lee 审批", "left": "你还剩 *$100.00*", "not lent": "你现在最多可借出 $60.00",
}  # fmt: skip


def words_of(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if request.node.callspec.id.endswith("zh") else EN


@pytest.mark.parametrize("stage", EVERY_WAY, indirect=True)
async def test_the_whole_story(stage: Stage, request: pytest.FixtureRequest) -> None:
    said = words_of(request)

    balance = await stage.command("alice")
    assert said["left"] in balance.shown
    assert {"request.open", "lend.open", "history.open"} <= set(balance.actions)

    lent = await stage.command("alice", said["lend"])
    assert said["you lent"] in lent.shown
    told = await stage.hear("bob", said["lent you"])
    assert "loan.return" in told.actions
    assert said["not lent"] in (await stage.say("alice", said["lend"].replace("20", "70"))).shown
    assert said["gave back"] in (await stage.say("bob", said["repay"])).shown
    assert said["recalled"] in (await stage.say("alice", said["recall"])).shown
    assert (stage.left("alice"), stage.left("bob")) == (90, 110)

    await stage.press("alice", lent, "loan.recall")
    assert (stage.left("alice"), stage.left("bob")) == (100, 100)

    await stage.say("bob", said["borrow"])
    ask = await stage.hear("eve", said["asks"])
    await stage.press("eve", ask, "borrow.accept")
    await stage.hear("bob", "Eve", "$10.00", "$110.00")
    assert stage.left("eve") == 90

    thread = stage.slack.post(CHANNEL, "U06PIA", "we are out of quota").ts
    sent = await stage.say("pia", said["request"], channel=CHANNEL, thread=thread)
    assert said["sent"] in sent.shown
    assert sent.ephemeral_for == "U06PIA"
    code = code_of(sent)
    card = await stage.hear("lee", said["asks for"], code)
    small = await stage.until(lambda: next(iter(stage.in_thread(thread)), None))
    assert code in small.shown
    assert said["waiting"] in small.shown
    assert "test" not in small.shown
    assert "压测" not in small.shown
    await stage.press("lee", card, "request.approve")
    await stage.hear("pia", said["approved"], "$800.00")
    for copy in (card, small):
        await stage.shows(copy, said["by lee"])
        assert not {"request.approve", "request.decline"} & set(copy.actions)
    assert stage.left("pia") == 800
    stage.audit()
