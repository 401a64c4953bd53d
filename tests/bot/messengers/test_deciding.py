"""Deciding on a request, on both messengers and in both languages: amounts, delegates, questions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bot.messengers.test_conversations import EVERYWHERE, ZH, code_in, said
from tests.company import NOW
from tests.conversation import Talk
from tests.slack_env import SlackEnv

__all__ = ["said"]


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_more_than_was_asked_is_granted_only_after_a_yes(talk: Talk, said: dict[str, str]) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", code)
    echo = await talk.say("carol", f"同意 {code} 400" if chinese else f"approve {code} 400")
    assert (
        "超过 Alice 申请的 $60.00" if chinese else "more than the $60.00 that Alice asked for"
    ) in echo.text
    assert talk.left("alice") == 100
    await talk.say("carol", "确认" if chinese else "yes")
    assert talk.left("alice") == 500
    too_much = code_in((await talk.say("bob", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", too_much)
    refused = await talk.say("carol", f"approve {too_much} 6000000")
    assert "$500.00" in refused.text
    assert "confirm.yes" not in refused.actions
    assert talk.left("bob") == 100
    talk.audit()


async def test_another_amount_is_chosen_in_a_form_and_above_the_asked_one_said_back(env: SlackEnv) -> None:
    await env.say("alice", "request 60")
    card = await env.hear("carol", "Alice")
    form = await env.press("carol", card, "request.other")
    assert "asked: $60.00; you can grant up to $60.00" in str(form.blocks)
    assert await env.fill("carol", form, amount="45") == {}
    await env.hear("alice", "Carol approved", "$45.00", "$60.00")
    assert env.left("alice") == 145
    await env.say("bob", "request 60")
    form = await env.press("carol", await env.hear("carol", "Bob"), "request.other")
    await env.fill("carol", form, amount="80")
    echo = await env.hear("carol", "more than the $60.00 that Bob asked for")
    assert env.left("bob") == 100
    await env.press("carol", echo, "confirm.yes")
    assert env.left("bob") == 180


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_delegate_gets_what_waits_until_it_is_taken_back(talk: Talk, said: dict[str, str]) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", code)
    answer = await talk.say("carol", "委托 @eve 到 12月20日" if chinese else "delegate @eve until 20 Dec")
    assert ("12月20日" if chinese else "20 Dec") in answer.text
    card = await talk.hear("eve", "Alice", code)
    assert "request.approve" in card.actions
    ended = await talk.say("carol", "取消委托" if chinese else "undelegate")
    assert ("Eve 不再代你审批" if chinese else "Eve no longer decides") in ended.text
    await talk.shows(card, "已不由你审批" if chinese else "no longer yours to decide")
    assert not card.actions
    await talk.press("eve", card, "request.approve")
    assert talk.left("alice") == 100
    talk.audit()


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_after_a_move_the_new_manager_is_asked_and_the_requester_told_why(
    talk: Talk, said: dict[str, str]
) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    former = await talk.hear("carol", code)
    talk.change("alice", manager_id="max")
    talk.change("max", manager_id="olga")
    await talk.at(NOW + timedelta(minutes=2))
    await talk.shows(former, "已不由你审批" if chinese else "no longer yours to decide")
    assert "$100.00" not in former.text
    await talk.hear("alice", "你的主管已不是 Carol" if chinese else "Your manager is no longer Carol", "Max")
    await talk.press("max", await talk.hear("max", code), "request.approve")
    await talk.hear("alice", "Max", "$160.00")


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_what_waits_is_listed_with_buttons_and_the_approver_can_be_reminded(
    talk: Talk, said: dict[str, str]
) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    await talk.hear("carol", code)
    mine = await talk.say("alice", "待办" if chinese else "pending")
    assert code in mine.text
    reminded = await talk.say("alice", f"催一下 {code}" if chinese else f"nudge {code}")
    assert ("已提醒 Carol" if chinese else "I reminded Carol") in reminded.text
    await talk.hear("carol", "Alice 想请你尽快审批" if chinese else "Alice kindly asks")
    waits = await talk.say("carol", "待办" if chinese else "pending")
    assert "Alice" in waits.text
    assert code in waits.text
    await talk.say("carol", f"同意 {code}" if chinese else f"approve {code}")
    assert talk.left("alice") == 160


@pytest.mark.parametrize("talk", EVERYWHERE, indirect=True)
async def test_a_question_and_its_answer_stand_on_the_card(talk: Talk, said: dict[str, str]) -> None:
    chinese = said is ZH
    code = code_in((await talk.say("alice", "申请 60" if chinese else "request 60")).text)
    card = await talk.hear("carol", code)
    sent = await talk.say("carol", f"问 {code} 用在哪里？" if chinese else f"ask {code} what is it for?")
    assert ("已转告 Alice" if chinese else "I asked Alice") in sent.text
    await talk.hear("alice", "Carol", "用在哪里？" if chinese else "what is it for?")
    done = await talk.say("alice", f"答复 {code} 压测" if chinese else f"answer {code} the load test")
    assert ("已转达" if chinese else "Passed on") in done.text
    await talk.hear(
        "carol", "Alice 答复" if chinese else "Alice answered", "压测" if chinese else "load test"
    )
    await talk.shows(card, "压测" if chinese else "the load test")
    assert "request.approve" in card.actions


async def test_a_question_is_answered_in_a_form(env: SlackEnv) -> None:
    code = code_in((await env.say("alice", "request 60")).shown)
    await env.say("carol", f"ask {code} what is it for?")
    asked = await env.hear("alice", "Carol asks about your request")
    form = await env.press("alice", asked, "request.answer")
    assert await env.fill("alice", form, reason="the load test") == {}
    await env.hear("carol", "Alice answered", "the load test")
