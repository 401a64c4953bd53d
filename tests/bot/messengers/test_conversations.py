"""The same conversations on both messengers, in both languages, from the same functions.

What only Slack has (forms, App Home, threads, slash commands) is in test_conversations.py; what stands in their place on
DingTalk in test_dingtalk_typed.py.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.company import NOW
from tests.conversation import Seen, Talk

ENGLISH = ("slack-en", "dingtalk-en")
EVERYWHERE = ("slack-zh", "dingtalk-en", "slack-en-postgres", "dingtalk-zh-postgres")

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
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if "-zh" in request.node.callspec.id else EN


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
    await talk.hear("bob", "Eve can't lend right now")
    await talk.shows(ask, "Not this time")
    assert not ask.actions
    assert talk.left("eve") == 100


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_loan_is_spent_owed_taken_back_and_forgiven(talk: Talk) -> None:
    await talk.say("alice", "lend @bob 50")
    talk.spend("bob", 130)
    assert "To Bob: $20.00 unspent, they owe you $30.00" in (await talk.say("alice", "loans")).text
    assert "Take $20.00 back from Bob" in (await talk.say("alice", "recall @bob")).text
    assert "$20.00 is back from Bob" in (await talk.say("alice", "yes")).text
    await talk.hear("bob", "Alice", "$20.00")
    assert "$10.00" in (await talk.say("alice", "forgive @bob 10")).text
    await talk.hear("bob", "Alice", "$10.00")
    assert talk.left("alice") == 70
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_borrower_gives_back_with_one_tap_and_the_lender_hears_of_it(talk: Talk) -> None:
    await talk.say("alice", "lend @eve 20 demo day")
    told = await talk.hear("eve", "Alice lent you $20.00", "demo day")
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


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_an_ask_to_borrow_ends_after_a_day_and_a_late_click_lends_nothing(talk: Talk) -> None:
    await talk.say("bob", "borrow 10 from @eve")
    ask = await talk.hear("eve", "Bob asks to borrow $10.00")
    await talk.at(NOW + timedelta(hours=25))
    await talk.shows(ask, "has ended")
    await talk.hear("bob", "The ask to borrow $10.00 has ended")
    assert "nothing moved" in await talk.press("eve", ask, "borrow.accept")
    assert talk.left("bob") == 100


# Requests


async def asked(talk: Talk, words: str = "request 300 load test", of: str = "lee") -> tuple[str, Seen]:
    """Pia asks: the CODE, and the card of who is asked."""
    code = code_in((await talk.say("pia", words)).text)
    return code, await talk.hear(of, "Pia", code)


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_the_manager_approves_less_exactly_as_the_button_says(talk: Talk) -> None:
    talk.spend("pia", 130)
    _, card = await asked(talk)
    found = re.search(r"Approve \$(\d+)\.00 \(lasts", card.text)
    assert found, card.text
    less = int(found[1])
    assert 0 < less < 300
    await talk.press("lee", card, "request.approve_less")
    await talk.hear("pia", "Lee approved", f"${less}.00", "$300.00")
    await talk.shows(card, "Lee", f"${less}.00")
    assert talk.left("pia") == 370 + less
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_above_every_ceiling_the_last_one_is_asked_and_nobody_else_may_decide(talk: Talk) -> None:
    code = code_in((await talk.say("alice", "request 900 load test")).text)
    card = await talk.hear("cfo", "Alice", code)
    assert talk.heard("carol") == []
    assert "not yours to decide" in (await talk.say("carol", f"approve {code}")).text
    await talk.press("cfo", card, "request.approve")
    await talk.hear("alice", "Cfo approved $900.00")


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_budget_that_does_not_suffice_says_what_is_left(talk: Talk) -> None:
    code, card = await asked(talk, "request 1200 load test")
    assert "$1,000.00 → $0.00" in card.text
    assert "has $1,000.00 left" in (await talk.say("lee", f"approve {code}")).text
    assert talk.left("pia") == 500
    await talk.press("lee", card, "request.approve_less")
    await talk.hear("pia", "Lee approved $1,000.00 of the $1,200.00")
    assert talk.left("pia") == 1500
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_asking_again_amends_and_the_old_card_leads_to_the_new_one(talk: Talk) -> None:
    old, card = await asked(talk)
    answer = (await talk.say("pia", "request 200")).text
    assert f"It replaces {old}" in answer
    new = code_in(answer)
    newer = await talk.hear("lee", new, "load test", "$200.00")
    await talk.shows(card, "replaced by", new, "$200.00")
    await talk.settles(card, "request.approve", "request.decline")
    await talk.press("lee", newer, "request.approve")
    await talk.hear("pia", "approved $200.00")
    assert talk.left("pia") == 700


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_manager_may_type_more_than_was_asked_up_to_the_ceiling(talk: Talk) -> None:
    code, _ = await asked(talk)
    assert "$5,000.00" in (await talk.say("lee", f"approve {code} 6000")).text
    assert "more than the $300.00" in (await talk.say("lee", f"approve {code} 400")).text
    assert talk.left("pia") == 500
    assert "Done" in (await talk.say("lee", "yes")).text
    await talk.hear("pia", "$400.00")
    assert talk.left("pia") == 900


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_who_approved_takes_back_what_is_unspent(talk: Talk) -> None:
    _, card = await asked(talk)
    await talk.press("lee", card, "request.approve")
    await talk.shows(card, "Take back unspent")
    talk.spend("pia", 600)
    await talk.press("lee", card, "request.revoke")
    await talk.hear("pia", "Lee took back $200.00")
    assert talk.left("pia") == 0
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_top_manager_asks_and_the_fallback_decides(talk: Talk) -> None:
    await talk.say("olga", "request 100 board demo")
    card = await talk.hear("cfo", "board demo")
    assert "fallback" in card.text
    await talk.press("cfo", card, "request.approve")
    await talk.hear("olga", "Cfo approved $100.00")


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_when_nobody_can_decide_the_requester_and_the_admins_know(talk: Talk) -> None:
    for name in ("olga", "cfo"):
        talk.change(name, left_at=NOW)
    answer = (await talk.say("max", "request 100 for posters")).text
    assert "nobody to decide" in answer
    await talk.hear("ops", "Max", "$100.00", code_in(answer))


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_a_delegate_decides_in_the_place_of_a_manager(talk: Talk) -> None:
    assert "Quinn" in (await talk.say("lee", "delegate @quinn until 2026-11-20")).text
    await talk.hear("quinn", "Lee handed you their approvals")
    _, card = await asked(talk, of="quinn")
    assert "stand in" in card.text
    await talk.press("quinn", card, "request.approve")
    await talk.hear("pia", "Quinn for Lee approved $300.00")
    await talk.shows(await talk.hear("lee", "Pia"), "Quinn")


# The clock


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_time_reminds_passes_on_and_ends_and_only_waking_hours_count(talk: Talk) -> None:
    code, card = await asked(talk)
    await talk.at(NOW + timedelta(hours=3, minutes=58))
    assert not any("Still open" in one for one in talk.heard("lee"))
    await talk.at(NOW + timedelta(hours=4, minutes=2))  # 14:02
    await talk.hear("lee", "Still open", code)
    await talk.at(NOW + timedelta(hours=47, minutes=30))  # Wednesday 9:30: 23.5 waking hours
    assert talk.heard("olga") == []
    await talk.at(NOW + timedelta(hours=48, minutes=5))
    await talk.hear("olga", "load test")
    await talk.hear("pia", "Olga was asked as well")
    await talk.at(NOW + timedelta(days=6))  # Sunday
    assert not any("Nobody answered" in one for one in talk.heard("pia"))
    await talk.at(NOW + timedelta(days=8, minutes=5))  # Tuesday 10:05: 72 waking hours
    assert "request.open" in (await talk.hear("pia", "Nobody answered")).actions
    await talk.shows(card, "ended without an answer")
    assert not card.actions
    assert talk.left("pia") == 500
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_both_are_told_two_days_before_a_loan_goes_back_and_again_when_it_did(talk: Talk) -> None:
    await talk.say("alice", "lend @bob 20")
    await talk.at(datetime(2026, 11, 28, 16, 30, tzinfo=UTC))
    warned = await talk.hear("alice", "Bob", "$20.00", "goes back on 30 Nov")
    assert "loan.recall" in warned.actions
    assert "loan.return" in (await talk.hear("bob", "goes back on 30 Nov")).actions
    await talk.at(datetime(2026, 11, 30, 16, 1, tzinfo=UTC))
    assert (talk.left("alice"), talk.left("bob")) == (100, 100)
    talk.audit()


@pytest.mark.parametrize("talk", ENGLISH, indirect=True)
async def test_teams_are_shown_as_sums_to_those_who_own_them_only(talk: Talk) -> None:
    talk.spend("pia", 120)
    seen = (await talk.say("lee", "team")).text
    assert "$120.00" in seen
    assert "Pia" not in seen
    assert "Only managers" in (await talk.say("pia", "team")).text
