"""What cannot be taken back is said back with everything it would do, on both messengers."""

from __future__ import annotations

import pytest

from tests.conversation import Talk

EVERYWHERE = ("slack-en", "slack-zh", "dingtalk-en", "dingtalk-zh-postgres")
EN = {
    "lend all": "lend @bob all", "lend": "Lend $80.00 to Bob · design", "until": "lend @bob 50 until 20 Nov demo",
    "until 20": "until 20 Nov", "forgive": "forgive @bob", "forgive echo": "Let Bob · design off $20.00",
    "late": "forgive @bob for being late", "recall": "recall @bob", "recall echo": "Take $30.00 back from Bob · design",
    "repay": "repay", "repay echo": "Give $30.00 back to Alice · design", "lend eve": "lend @eve 20", "recall eve": "recall @eve 20", "lend30": "lend @bob 30", "yes": "yes",
    "nothing open": "nothing of that kind left with Bob", "forgave": "Alice let $20.00 go",
}  # fmt: skip
ZH = {
    "lend all": "借给 @bob 全部", "lend": "借给 Bob · design $80.00", "until": "借给 @bob 50 用到11月20日 演示",
    "until 20": "用到 11月20日", "forgive": "免还 @bob", "forgive echo": "免去 Bob · design 欠的 $20.00",
    "late": "免还 @bob 因为迟到", "recall": "收回 @bob", "recall echo": "从 Bob · design 收回 $30.00",
    "repay": "还款", "repay echo": "还给 Alice · design $30.00", "lend eve": "借给 @eve 20", "recall eve": "收回 @eve 20", "lend30": "借给 @bob 30", "yes": "确认",
    "nothing open": "Bob 那里已没有", "forgave": "Alice 免去了你欠的 $20.00",
}  # fmt: skip


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if "-zh" in request.node.callspec.id else EN


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_lending_everything_is_said_back_with_its_number(talk: Talk, said: dict[str, str]) -> None:
    echo = await talk.say("alice", said["lend all"])
    assert said["lend"] in echo.text
    assert (talk.left("alice"), talk.left("bob")) == (100, 100)
    await talk.press("alice", echo, "confirm.yes")
    assert (talk.left("alice"), talk.left("bob")) == (20, 180)
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_an_echo_says_the_day_and_the_reason(talk: Talk, said: dict[str, str]) -> None:
    echo = await talk.say("alice", said["until"])
    assert said["until 20"] in echo.text
    assert "demo" in echo.text or "演示" in echo.text


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_forgiving_without_a_number_never_lets_a_debt_go_at_once(
    talk: Talk, said: dict[str, str]
) -> None:
    await talk.say("alice", said["lend30"])
    talk.spend("bob", 120)
    for words in ("forgive", "late"):
        assert said["forgive echo"] in (await talk.say("alice", said[words])).text
    talk.spend("bob", 125)  # more is owed by now: what was shown is what is let go
    await talk.say("alice", said["yes"])
    await talk.hear("bob", "$20.00", "late" if said is EN else "迟到")
    assert "$5.00" in (await talk.say("alice", "loans")).text


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_taking_or_giving_everything_back_is_said_back_with_its_number(
    talk: Talk, said: dict[str, str]
) -> None:
    await talk.say("alice", said["lend30"])
    assert said["recall echo"] in (await talk.say("alice", said["recall"])).text
    assert said["repay echo"] in (await talk.say("bob", said["repay"])).text
    await talk.say("bob", said["yes"])
    assert talk.left("alice") == 100


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_giving_back_by_a_button_what_was_used_is_said_back(talk: Talk, said: dict[str, str]) -> None:
    await talk.say("bob", said["lend eve"])
    await talk.say("alice", said["lend30"])
    told = await talk.hear("bob", "Alice", "$30.00")
    talk.spend("bob", 100)  # his 80 and 20 of the loan
    await talk.say("bob", said["recall eve"])
    assert said["repay echo"] in await talk.press("bob", told, "loan.return")
    assert talk.left("alice") == 70
    await talk.say("bob", said["yes"])
    assert talk.left("alice") == 100
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE[:2], indirect=True)
async def test_a_button_that_ends_a_debt_is_said_back_and_one_yes_does_it(
    talk: Talk, said: dict[str, str]
) -> None:
    await talk.say("alice", said["lend30"])
    talk.spend("bob", 120)
    loans = await talk.say("alice", "loans")
    assert said["forgive echo"] in await talk.press("alice", loans, "loan.forgive")
    assert not any(said["forgave"] in one for one in talk.heard("bob"))
    await talk.say("alice", said["yes"])
    await talk.hear("bob", said["forgave"])
    assert said["nothing open"] in await talk.press("alice", loans, "loan.forgive")  # a second click is told
    talk.audit()
