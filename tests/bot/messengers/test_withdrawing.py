"""An ask is taken back by its borrower, or by the first yes; every card settles, on both messengers."""

from __future__ import annotations

import pytest

from tests.conversation import Talk

EVERYWHERE = ("slack-en", "slack-zh", "dingtalk-en", "dingtalk-zh-postgres")
EN = {
    "borrow eve": "borrow 10 from @eve", "borrow alice": "borrow 10 from @alice", "asks": "Bob asks to borrow $10.00",
    "withdraw": "withdraw @eve", "withdrawn": "Withdrawn: Eve", "no need": "Bob no longer needs the $10.00",
    "others": "What else you had asked colleagues for is withdrawn", "none": "nothing that is still open",
    "request": "request 50 demo", "card": "Bob · design asks for $50.00", "since": "$10.00 of it since asking",
    "lent": "Eve lent you $10.00", "all": "withdraw", "both": "Withdrawn: Eve, Alice",
}  # fmt: skip
ZH = {
    "borrow eve": "向 @eve 借 10", "borrow alice": "向 @alice 借 10", "asks": "Bob 想向你借 $10.00",
    "withdraw": "撤回借用 @eve", "withdrawn": "已撤回，Eve", "no need": "Bob 已撤回借 $10.00",
    "others": "你向其他同事发出的借用请求已一并撤回", "none": "没有等待答复",
    "request": "申请 50 演示", "card": "Bob · design 申请 $50.00", "since": "其中提交申请后借入 $10.00",
    "lent": "Eve 借给你 $10.00", "all": "撤回借用", "both": "已撤回，Eve、Alice",
}  # fmt: skip


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if "-zh" in request.node.callspec.id else EN


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_the_borrower_takes_an_ask_back_and_the_card_settles(talk: Talk, said: dict[str, str]) -> None:
    await talk.say("bob", said["borrow eve"])
    card = await talk.hear("eve", said["asks"])
    assert said["withdrawn"] in (await talk.say("bob", said["withdraw"])).text
    await talk.shows(card, said["no need"])
    assert not card.actions
    assert said["none"] in (await talk.say("bob", said["withdraw"])).text
    assert talk.left("eve") == 100


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_the_first_yes_withdraws_what_else_was_asked(talk: Talk, said: dict[str, str]) -> None:
    await talk.say("bob", said["request"])
    request = await talk.hear("carol", said["card"])
    await talk.say("bob", said["borrow eve"])
    await talk.say("bob", said["borrow alice"])
    of_alice, of_eve = await talk.hear("alice", said["asks"]), await talk.hear("eve", said["asks"])
    await talk.press("eve", of_eve, "borrow.accept")
    await talk.shows(of_alice, said["no need"])
    assert not of_alice.actions
    await talk.hear("bob", said["lent"], said["others"])
    await talk.shows(request, said["since"])
    assert (talk.left("alice"), talk.left("bob")) == (100, 110)
    talk.audit()


@pytest.mark.parametrize("talk", ["slack-en", "dingtalk-zh"], indirect=True)
async def test_without_a_name_every_ask_is_taken_back(talk: Talk, said: dict[str, str]) -> None:
    await talk.say("bob", said["borrow eve"])
    await talk.say("bob", said["borrow alice"])
    assert said["both"] in (await talk.say("bob", said["all"])).text


@pytest.mark.parametrize("talk", ["slack-en"], indirect=True)
async def test_the_button_withdraws_and_says_when_it_is_too_late(talk: Talk) -> None:
    asked = await talk.say("bob", "borrow 10 from @eve")
    await talk.press("eve", await talk.hear("eve", "Bob asks"), "borrow.accept")
    assert "nothing to withdraw" in await talk.press("bob", asked, "borrow.withdraw")
    again = await talk.say("bob", "borrow 11 from @eve")
    assert "Withdrawn: Eve" in await talk.press("bob", again, "borrow.withdraw")
    assert talk.left("bob") == 110
