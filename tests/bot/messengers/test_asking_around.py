"""Borrowing from whoever can spare it, and being left alone, on both messengers and in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.company import NOW
from tests.conversation import Talk

THURSDAY = datetime(2026, 11, 26, 2, tzinfo=UTC)
"""Five days before the end of November, in the morning of Shanghai."""
EVERYWHERE = ("slack-en", "slack-zh", "dingtalk-en", "dingtalk-zh-postgres")
EN = {
    "borrow": "borrow 10 for the demo", "asking": "in private and one after the other", "asks": "Quinn asks to borrow $10.00",
    "lent": "lent you $10.00", "no asks": "no asks", "quiet": "do not reach you any more", "ask": "borrow 5 from @eve",
    "takes none": "Eve takes no asks to lend", "rests": "this command rests", "lend": "lend @bob {}", "yes": "yes",
    "give": "give 20 to team", "give echo": "Give $20.00 of your own quota to payments, for good", "given": "Given to payments: $20.00", "expires": "Use it or lend it",
}  # fmt: skip
ZH = {
    "borrow": "借 10 用来演示", "asking": "逐个私下询问", "asks": "Quinn 想向你借 $10.00",
    "lent": "借给你 $10.00", "no asks": "不接受借用", "quiet": "不会再发给你", "ask": "向 @eve 借 5",
    "takes none": "Eve 目前不接受借用请求", "rests": "此操作暂停", "lend": "借给 @bob {}", "yes": "确认",
    "give": "给团队 20", "give echo": "把你自己的 $20.00 给团队 payments", "given": "已给团队 payments $20.00", "expires": "用不完可以借出",
}  # fmt: skip


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if "-zh" in request.node.callspec.id else EN


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_teammates_are_asked_in_turn_and_the_first_yes_lends(talk: Talk, said: dict[str, str]) -> None:
    answer = await talk.say("quinn", said["borrow"])
    assert said["asking"] in answer.text
    assert not re.search("Pia|Lee", answer.text)
    first = await talk.hear("pia", said["asks"])
    await talk.at(NOW + timedelta(minutes=11))
    second = await talk.hear("lee", said["asks"])
    await talk.press("lee", second, "borrow.accept")
    await talk.hear("quinn", "Lee", said["lent"])
    await talk.settles(first, "borrow.accept", "borrow.decline")
    assert talk.left("quinn") == 510
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_who_takes_no_asks_is_asked_nothing_and_five_refusals_make_a_rest(
    talk: Talk, said: dict[str, str]
) -> None:
    assert said["quiet"] in (await talk.say("eve", said["no asks"])).text
    before = len(talk.heard("eve"))
    assert said["takes none"] in (await talk.say("bob", said["ask"])).text
    for number in range(5):
        await talk.say("alice", said["lend"].format(81 + number))
    assert said["rests"] in (await talk.say("alice", said["lend"].format(1))).text
    assert (len(talk.heard("eve")), talk.left("alice"), talk.left("bob")) == (before, 100, 100)


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_gift_to_the_team_is_said_back_and_its_owner_hears_it(
    talk: Talk, said: dict[str, str]
) -> None:
    assert said["give echo"] in (await talk.say("pia", said["give"])).text
    assert talk.left("pia") == 500
    assert said["given"] in (await talk.say("pia", said["yes"])).text
    await talk.hear("lee", "Pia", "$20.00", "$1,020.00")
    assert talk.left("pia") == 480
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_who_will_lose_much_hears_it_and_gives_it_with_one_yes(
    talk: Talk, said: dict[str, str]
) -> None:
    await talk.at(THURSDAY)
    told = await talk.hear("quinn", said["expires"], "$500.00")
    assert {"lend.open", "give.team"} <= told.actions
    assert "$500.00" in await talk.press("quinn", told, "give.team")
    await talk.say("quinn", said["yes"])
    await talk.hear("lee", "Quinn", "$500.00", "$1,500.00")
    assert talk.left("quinn") == 0
    talk.audit()
