"""The whole story as people live it on DingTalk: with a card template and without, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.messengers.dingtalk.adapter import CALLS_FOR_CARDS
from models.metering.vendor_calls import Called, count
from tests.dingtalk_env import GROUP, TEMPLATE, DingTalkEnv, buttons, open_env, shown
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
async def env(
    request: pytest.FixtureRequest, tmp_path: Path, settled_template: Path
) -> AsyncIterator[DingTalkEnv]:
    shape, language = getattr(request, "param", "card-zh").split("-")
    url = settled_copy(settled_template, tmp_path)
    async with open_env(url, template=TEMPLATE if shape == "card" else "", language=language) as env:
        yield env


@pytest.fixture
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return EN if request.node.callspec.id.endswith("en") else ZH


@pytest.mark.parametrize("env", ["words-zh"], indirect=True)
async def test_the_balance_costs_no_metered_call_in_either_language(env: DingTalkEnv) -> None:
    assert "你还剩 **$100.00**" in (await env.say("alice", "balance")).text
    assert (await env.say("alice", "")).way == "sessionWebhook"
    assert env.metered == 0


@pytest.mark.parametrize("env", ["card-zh", "card-en"], indirect=True)
async def test_with_a_template_the_balance_is_a_card_with_buttons(
    env: DingTalkEnv, said: dict[str, str]
) -> None:
    await env.say("alice", said["balance"])
    card = await env.card("alice", said["left"])
    assert set(buttons(card, "alice").values()) == {"request.open", "lend.open", "history.open"}
    assert env.metered == 1
    await env.press("alice", card, "history.open", value="")
    assert "$100.00" in shown(card, "alice")


async def test_once_half_of_a_free_month_is_used_the_balance_is_words(env: DingTalkEnv) -> None:
    calls = [Called("createAndDeliver", True, CALLS_FOR_CARDS)]
    env.database.transact(lambda session: count(session, env.clock(), calls))
    assert (await env.say("alice", "余额")).way == "sessionWebhook"
    assert env.metered == 0


@pytest.mark.parametrize("env", WAYS, indirect=True)
async def test_the_whole_story(env: DingTalkEnv, said: dict[str, str]) -> None:
    assert said["left"].replace("*", "") in (await env.say("alice", said["balance"])).text.replace("*", "")

    await env.say("alice", said["lend"], at=["bob"], group=GROUP)
    assert said["you lent"] in "".join(one.text for one in env.ding.heard("alice")) + _cards(env, "alice")
    await _hears(env, "bob", said["lent you"])
    assert (env.left("alice"), env.left("bob")) == (80, 120)

    await env.say("bob", said["repay"], at=["alice"], group=GROUP)
    await env.hear("bob", said["gave back"])
    assert (env.left("alice"), env.left("bob")) == (85, 115)

    await _ask_and_approve(env, said)
    await _borrow(env, said)
    env.audit()


async def _ask_and_approve(env: DingTalkEnv, said: dict[str, str]) -> None:
    before = env.metered
    assert said["sent"] in (await env.say("pia", said["request"])).text
    code = await _asked(env, "lee", said["asks for"])
    if env.app.messengers["dingtalk"].template:
        card = await env.card("lee", said["asks for"])
        await env.press("lee", card, "request.approve")
        assert said["by lee"] in shown(card, "pia")
        assert set(buttons(card, "lee").values()) <= {"request.revoke"}
    else:
        await env.say("lee", f"{said['approve']} {code}")
    await env.hear("pia", said["approved"])
    await env.settled()
    assert env.left("pia") == 800
    assert env.metered - before <= 4


async def _borrow(env: DingTalkEnv, said: dict[str, str]) -> None:
    await env.say("bob", said["borrow"], at=["eve"], group=GROUP)
    await _hears(env, "eve", said["asks"])
    if env.app.messengers["dingtalk"].template:
        card = await env.card("eve", said["asks"])
        assert "$10.00" in (await env.press("eve", card, "borrow.accept"))["hint"]
        assert not {"borrow.accept", "borrow.decline"} & set(buttons(card, "eve").values())
    else:
        code = env.effects()[-1].about.removeprefix("ask:")
        assert said["accepted"] in (await env.say("eve", said["accept"].format(code))).text
    assert env.left("eve") == 90


async def _hears(env: DingTalkEnv, name: str, words: str) -> None:
    await (env.card if env.app.messengers["dingtalk"].template else env.hear)(name, words)


async def _asked(env: DingTalkEnv, name: str, words: str) -> str:
    await _hears(env, name, words)
    return next(one.about for one in env.effects() if (one.about or "").startswith("request:")).removeprefix(
        "request:"
    )


def _cards(env: DingTalkEnv, name: str) -> str:
    return "".join(shown(one, name) for one in env.ding.cards.values() if name in one.places)


async def test_a_chinese_sentence_with_a_mention_is_said_back_and_confirmed_by_a_word(
    env: DingTalkEnv,
) -> None:
    """`借 20 给 @李四` may be read both ways, so it is confirmed; the name is not in the words, only in atUsers."""
    await env.say("alice", "借 20 给 ", at=["bob"], group=GROUP)
    await env.card("alice", "请确认：", "**Bob** · design", "**$20.00**")
    assert env.left("alice") == 100
    assert "已借给 Bob **$20.00**" in (await env.say("alice", "确认")).text
    assert (env.left("alice"), env.left("bob")) == (80, 120)


async def test_a_card_turns_the_pages_of_a_history_for_its_reader_alone(env: DingTalkEnv) -> None:
    for number in range(1, 13):
        env.clock.move(minutes=2)
        await env.say("alice", f"借给 {number}", at=["bob"], group=GROUP)
    await env.say("alice", "明细", group=GROUP)
    card = await env.card("alice", "额度明细")
    newest = shown(card, "alice")
    await env.press("alice", card, "history.open")
    assert "分配" in shown(card, "alice")
    assert set(newest.splitlines()) & set(shown(card, "alice").splitlines()) == {"额度明细"}
    assert shown(card, "bob") == newest


# Across messengers


@pytest.fixture
def town_url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


async def test_asked_on_dingtalk_and_approved_on_slack(town_url: str) -> None:
    async with open_env(town_url, language="en", on_slack=["lee"]) as env:
        assert env.slack is not None
        await env.say("pia", "request 300 load test")
        card = await _on_slack(env, "U05LEE", "asks for")
        await env.slack.press("U05LEE", card, "request.approve")
        await env.hear("pia", "Lee approved **$300.00** for you")
        await env.until(lambda: "approved by Lee" in card.shown or None)
        assert env.left("pia") == 800
        env.audit()


async def test_whoever_changes_messengers_within_the_hour_is_written_to_where_they_spoke_last(
    town_url: str,
) -> None:
    async with open_env(town_url, language="en", on_slack=["both:lee"]) as env:
        assert env.slack is not None
        await env.slack.say("U05LEE", "balance")
        await _on_slack(env, "U05LEE", "left")
        env.clock.move(minutes=5)
        await env.say("lee", "balance")
        env.clock.move(minutes=5)
        await env.slack.say("U05LEE", "help")
        await _on_slack(env, "U05LEE", "What you can say")
        await env.say("pia", "request 300 load test")
        await _on_slack(env, "U05LEE", "asks for")


async def test_asked_on_slack_and_approved_on_dingtalk_settles_every_copy(town_url: str) -> None:
    async with open_env(town_url, language="en", on_slack=["pia", "olga"]) as env:
        assert env.slack is not None
        await env.slack.say("U06PIA", "request 300 load test")
        card = await env.card("lee", "asks for **$300.00**")
        env.clock.move(days=3)
        await env.app.worker.schedule()
        env.app.worker.wake()
        other = await _on_slack(env, "U04OLGA", "asks for")
        await env.press("lee", card, "request.approve")
        assert "approved by Lee" in shown(card, "lee")
        await env.until(lambda: "approved by Lee" in other.shown or None)
        await _on_slack(env, "U06PIA", "Lee approved")
        assert not {"request.approve", "request.decline"} & set(other.actions)
        env.audit()


async def test_asked_on_slack_decided_on_slack_settles_the_card_on_dingtalk(town_url: str) -> None:
    async with open_env(town_url, language="en", on_slack=["pia", "both:olga"]) as env:
        assert env.slack is not None
        await env.slack.say("U06PIA", "request 300 load test")
        card = await env.card("lee", "asks for **$300.00**")
        code = str(card.data["b1_value"])
        await env.slack.say("U06PIA", f"cancel {code}")
        await env.until(lambda: "cancelled" in shown(card, "lee") or None)
        assert buttons(card, "lee") == {}
        assert "settled" in (await env.press("lee", card, "request.approve", value=code))["hint"]
        assert env.left("pia") == 500


async def test_the_same_human_on_both_neither_approves_nor_lends_to_themselves(town_url: str) -> None:
    async with open_env(town_url, language="en", on_slack=["both:lee", "both:pia", "both:alice"]) as env:
        assert env.slack is not None
        before = env.everything()
        await env.say("pia", "request 300 load test")
        code = await env.until(lambda: next((one.about for one in env.effects() if one.about), None))
        code = code.removeprefix("request:")
        for words in (f"approve {code}", f"decline {code} no"):
            await env.slack.say("U06PIA", words)
            await _on_slack(env, "U06PIA", f"{code} is not yours to decide")
        forged = next(iter(env.ding.cards.values()), None)
        if forged is not None:
            await env.press("pia", forged, "request.approve", value=code)
        assert "loan to yourself" in (await _private(env, "alice", "lend 20", at="alice"))
        await env.slack.say("U01ALICE", "lend <@U01ALICE> 20")
        await _on_slack(env, "U01ALICE", "loan to yourself")
        assert env.everything() == before


async def test_a_loan_goes_from_dingtalk_to_somebody_who_is_on_both(town_url: str) -> None:
    async with open_env(town_url, language="en", on_slack=["both:bob"]) as env:
        assert env.slack is not None
        await env.slack.say("U02BOB", "balance")
        await env.say("alice", "lend 20", at=["bob"], group=GROUP)
        await _on_slack(env, "U02BOB", "Alice lent you")
        assert (env.left("alice"), env.left("bob")) == (80, 120)


async def _on_slack(env: DingTalkEnv, user: str, *words: str) -> Any:
    """The newest direct message on Slack that holds all these words; waits for it."""
    slack = env.slack
    assert slack is not None

    def found() -> Any:
        said = [one for one in slack.inbox(user) if all(word in one.shown for word in words)]
        return said[-1] if said else None

    return await env.until(found)


async def _private(env: DingTalkEnv, name: str, words: str, *, at: str) -> str:
    before = len(env.ding.heard(name))
    await env.say(name, words, at=[at], group=GROUP)
    return (await env.until(lambda: next(iter(env.ding.heard(name)[before:]), None))).text


@pytest.mark.parametrize("env", ["words-zh", "words-en"], indirect=True)
async def test_rich_text_names_left_in_the_words_and_speech_are_read(
    env: DingTalkEnv, said: dict[str, str]
) -> None:
    chinese = said is ZH
    lend = "@quotabot 借给 @Bob\u2005" if chinese else "@quotabot lend @Bob\u2005"
    pieces = [{"text": lend}, {"type": "picture", "downloadCode": "x"}, {"text": "20"}]
    await env.ding.send("alice", "richText", {"richText": pieces}, group=GROUP, at=["bob"])
    await env.hear("alice", said["you lent"])
    speech = "申请三百跑压测。" if chinese else "Request three hundred for the load test."
    await env.ding.send("alice", "audio", {"recognition": speech})
    echo = await env.hear("alice", said["right?"])
    assert "$300.00" in echo.text
    assert env.left("bob") == 120
