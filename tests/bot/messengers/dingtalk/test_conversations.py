"""The whole story as people live it on DingTalk: with a card template and without, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dingtalk_env import GROUP, TEMPLATE, DingTalkEnv, buttons, raised, shown
from tests.slack_env import settled_copy

WAYS = [f"{shape}-{language}" for shape in ("card", "words") for language in ("en", "zh")]

EN = {
    "balance": "balance", "left": "You have **$100.00** left", "lend": "lend 20", "you lent": "You lent **$20.00** to Bob",
    "lent you": "Alice lent you **$20.00**", "request": "request 300 load test", "sent": "Your request for **$300.00**",
    "asks for": "**Pia** · payments asks for **$300.00**", "approve": "approve", "approved": "Lee approved **$300.00** for you",
    "by lee": "$300.00 approved by Lee", "decline": "decline {} not now", "declined": "Lee declined your request", "reason": "not now",
    "told no": "Pia was told", "borrow": "borrow 10 from", "asks": "Bob asks to borrow **$10.00**", "accept": "yes {}",
    "accepted": "You lent **$10.00** to Bob", "repay": "repay 5", "gave back": "Given back to Alice: **$5.00**",
    "privately": "Ask me in our chat", "loose": "lend bob 20", "yes": "yes", "right?": "Did I get that right?", "help": "What you can say",
}  # fmt: skip
ZH = {
    "balance": "余额", "left": "你还剩 **$100.00**", "lend": "借给 20", "you lent": "已借给 Bob **$20.00**",
    "lent you": "Alice 借给你 **$20.00**", "request": "申请 300 压测", "sent": "你申请的 **$300.00**",
    "asks for": "**Pia** · payments 申请 **$300.00**", "approve": "同意", "approved": "Lee 同意了 **$300.00**",
    "by lee": "Lee 已同意 $300.00", "decline": "拒绝 {} 下个月再说", "declined": "Lee 拒绝了你的申请", "reason": "下个月再说",
    "told no": "理由已转告 Pia", "borrow": "向 借 10", "asks": "Bob 想向你借 **$10.00**", "accept": "确认 {}",
    "accepted": "已借给 Bob **$10.00**", "repay": "还 5", "gave back": "已归还 Alice 未用的 **$5.00**",
    "privately": "请私聊我", "loose": "借给 bob 20", "yes": "确认", "right?": "请确认：", "help": "你可以这样说",
}  # fmt: skip


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest, tmp_path: Path, settled_template: Path
) -> AsyncIterator[DingTalkEnv]:
    shape, language = getattr(request, "param", "card-zh").split("-")
    url = settled_copy(settled_template, tmp_path)
    async with raised(url, template=TEMPLATE if shape == "card" else "", language=language) as stage:
        yield stage


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return EN if request.node.callspec.id.endswith("en") else ZH


async def test_the_balance_costs_no_metered_call_in_either_language(stage: DingTalkEnv) -> None:
    assert "你还剩 **$100.00**" in (await stage.say("alice", "balance")).text
    assert (await stage.say("alice", "")).way == "sessionWebhook"
    assert stage.metered == 0


@pytest.mark.parametrize("stage", WAYS, indirect=True)
async def test_the_whole_story(stage: DingTalkEnv, said: dict[str, str]) -> None:
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


async def _ask_and_approve(stage: DingTalkEnv, said: dict[str, str]) -> None:
    before = stage.metered
    assert said["sent"] in (await stage.say("pia", said["request"])).text
    code = await _asked(stage, "lee", said["asks for"])
    if stage.app.dingtalk.template:
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


async def _borrow(stage: DingTalkEnv, said: dict[str, str]) -> None:
    await stage.say("bob", said["borrow"], at=["eve"], group=GROUP)
    await _hears(stage, "eve", said["asks"])
    if stage.app.dingtalk.template:
        card = await stage.card("eve", said["asks"])
        assert "$10.00" in (await stage.press("eve", card, "borrow.accept"))["hint"]
        assert not {"borrow.accept", "borrow.decline"} & set(buttons(card, "eve").values())
    else:
        code = stage.effects()[-1].about.removeprefix("ask:")
        assert said["accepted"] in (await stage.say("eve", said["accept"].format(code))).text
    assert stage.left("eve") == 90


async def _hears(stage: DingTalkEnv, name: str, words: str) -> None:
    await (stage.card if stage.app.dingtalk.template else stage.hear)(name, words)


async def _asked(stage: DingTalkEnv, name: str, words: str) -> str:
    await _hears(stage, name, words)
    return next(
        one.about for one in stage.effects() if (one.about or "").startswith("request:")
    ).removeprefix("request:")


def _cards(stage: DingTalkEnv, name: str) -> str:
    return "".join(shown(one, name) for one in stage.ding.cards.values() if name in one.places)


async def test_a_chinese_sentence_with_a_mention_is_said_back_and_confirmed_by_a_word(
    stage: DingTalkEnv,
) -> None:
    """`借 20 给 @李四` may be read both ways, so it is confirmed; the name is not in the words, only in atUsers."""
    await stage.say("alice", "借 20 给 ", at=["bob"], group=GROUP)
    await stage.card("alice", "请确认：", "**Bob** · design", "**$20.00**")
    assert stage.left("alice") == 100
    assert "已借给 Bob **$20.00**" in (await stage.say("alice", "确认")).text
    assert (stage.left("alice"), stage.left("bob")) == (80, 120)


async def test_a_card_turns_the_pages_of_a_history_for_its_reader_alone(stage: DingTalkEnv) -> None:
    for number in range(1, 13):
        stage.clock.move(minutes=2)
        await stage.say("alice", f"借给 {number}", at=["bob"], group=GROUP)
    await stage.say("alice", "明细", group=GROUP)
    card = await stage.card("alice", "额度明细")
    newest = shown(card, "alice")
    await stage.press("alice", card, "history.open")
    assert "分配" in shown(card, "alice")
    assert set(newest.splitlines()) & set(shown(card, "alice").splitlines()) == {"额度明细"}
    assert shown(card, "bob") == newest


# Across messengers


@pytest.fixture
def town_url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


async def test_asked_on_dingtalk_and_approved_on_slack(town_url: str) -> None:
    async with raised(town_url, language="en", on_slack=["lee"]) as stage:
        assert stage.slack is not None
        await stage.say("pia", "request 300 load test")
        card = await _on_slack(stage, "U05LEE", "asks for")
        await stage.slack.press("U05LEE", card, "request.approve")
        await stage.hear("pia", "Lee approved **$300.00** for you")
        await stage.until(lambda: "approved by Lee" in card.shown or None)
        assert stage.left("pia") == 800
        stage.audit()


async def test_whoever_changes_messengers_within_the_hour_is_written_to_where_they_spoke_last(
    town_url: str,
) -> None:
    async with raised(town_url, language="en", on_slack=["both:lee"]) as stage:
        assert stage.slack is not None
        await stage.slack.say("U05LEE", "balance")
        await _on_slack(stage, "U05LEE", "left")
        stage.clock.move(minutes=5)
        await stage.say("lee", "balance")
        stage.clock.move(minutes=5)
        await stage.slack.say("U05LEE", "help")
        await _on_slack(stage, "U05LEE", "What you can say")
        await stage.say("pia", "request 300 load test")
        await _on_slack(stage, "U05LEE", "asks for")


async def test_asked_on_slack_and_approved_on_dingtalk_settles_every_copy(town_url: str) -> None:
    async with raised(town_url, language="en", on_slack=["pia", "olga"]) as stage:
        assert stage.slack is not None
        await stage.slack.say("U06PIA", "request 300 load test")
        card = await stage.card("lee", "asks for **$300.00**")
        stage.clock.move(days=3)
        await stage.app.worker.schedule()
        stage.app.worker.wake()
        other = await _on_slack(stage, "U04OLGA", "asks for")
        await stage.press("lee", card, "request.approve")
        assert "approved by Lee" in shown(card, "lee")
        await stage.until(lambda: "approved by Lee" in other.shown or None)
        await _on_slack(stage, "U06PIA", "Lee approved")
        assert not {"request.approve", "request.decline"} & set(other.actions)
        stage.audit()


async def test_asked_on_slack_decided_on_slack_settles_the_card_on_dingtalk(town_url: str) -> None:
    async with raised(town_url, language="en", on_slack=["pia", "both:olga"]) as stage:
        assert stage.slack is not None
        await stage.slack.say("U06PIA", "request 300 load test")
        card = await stage.card("lee", "asks for **$300.00**")
        code = str(card.data["b1_value"])
        await stage.slack.say("U06PIA", f"cancel {code}")
        await stage.until(lambda: "cancelled" in shown(card, "lee") or None)
        assert buttons(card, "lee") == {}
        assert "settled" in (await stage.press("lee", card, "request.approve", value=code))["hint"]
        assert stage.left("pia") == 500


async def test_the_same_human_on_both_neither_approves_nor_lends_to_themselves(town_url: str) -> None:
    async with raised(town_url, language="en", on_slack=["both:lee", "both:pia", "both:alice"]) as stage:
        assert stage.slack is not None
        before = stage.everything()
        await stage.say("pia", "request 300 load test")
        code = await stage.until(lambda: next((one.about for one in stage.effects() if one.about), None))
        code = code.removeprefix("request:")
        for words in (f"approve {code}", f"decline {code} no"):
            await stage.slack.say("U06PIA", words)
            await _on_slack(stage, "U06PIA", f"{code} is not yours to decide")
        forged = next(iter(stage.ding.cards.values()), None)
        if forged is not None:
            await stage.press("pia", forged, "request.approve", value=code)
        assert "loan to yourself" in (await _private(stage, "alice", "lend 20", at="alice"))
        await stage.slack.say("U01ALICE", "lend <@U01ALICE> 20")
        await _on_slack(stage, "U01ALICE", "loan to yourself")
        assert stage.everything() == before


async def test_a_loan_goes_from_dingtalk_to_somebody_who_is_on_both(town_url: str) -> None:
    async with raised(town_url, language="en", on_slack=["both:bob"]) as stage:
        assert stage.slack is not None
        await stage.slack.say("U02BOB", "balance")
        await stage.say("alice", "lend 20", at=["bob"], group=GROUP)
        await _on_slack(stage, "U02BOB", "Alice lent you")
        assert (stage.left("alice"), stage.left("bob")) == (80, 120)


async def _on_slack(stage: DingTalkEnv, user: str, *words: str) -> Any:
    """The newest direct message on Slack that holds all these words; waits for it."""
    slack = stage.slack
    assert slack is not None

    def found() -> Any:
        said = [one for one in slack.inbox(user) if all(word in one.shown for word in words)]
        return said[-1] if said else None

    return await stage.until(found)


async def _private(stage: DingTalkEnv, name: str, words: str, *, at: str) -> str:
    before = len(stage.ding.heard(name))
    await stage.say(name, words, at=[at], group=GROUP)
    return (await stage.until(lambda: next(iter(stage.ding.heard(name)[before:]), None))).text
