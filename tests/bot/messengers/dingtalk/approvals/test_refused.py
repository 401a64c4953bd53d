"""A decision of somebody who must not grants nothing, and where there can be no approval the request is a card."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from sandbox.dingtalk import approvals
from tests.actions import ask_for
from tests.bot.messengers.dingtalk.approvals.steps import (
    approval_of,
    ask,
    card_instead,
    on_both,
    request_in,
)
from tests.company import NOW
from tests.dingtalk_env import DingTalkEnv


@on_both
async def test_an_agreement_after_a_handover_grants_nothing_and_the_card_goes_out(
    env: DingTalkEnv,
) -> None:
    one = await ask(env)
    approvals.hand_over(env.ding, one, "lee", "eve")
    await env.ding.agree("eve", one.id)
    code = request_in(env).code
    await env.hear("pia", "Eve decided on your request", "does not count")
    await env.hear("ops", "was decided in DingTalk by Eve", "does not count")
    await env.hear("eve", f"{code} is not yours to decide")
    card = await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500
    await env.press("lee", card, "request.approve")
    await env.settled()
    assert env.left("pia") == 800


async def test_a_refusal_after_a_handover_declines_nothing(env: DingTalkEnv) -> None:
    one = await ask(env)
    approvals.hand_over(env.ding, one, "lee", "eve")
    await env.ding.refuse("eve", one.id, "no")
    await env.card("lee", "asks for **$300.00**")
    assert request_in(env).state == "pending"


async def test_a_requester_cannot_agree_to_their_own_request(env: DingTalkEnv) -> None:
    one = await ask(env)
    approvals.hand_over(env.ding, one, "lee", "pia")
    await env.ding.agree("pia", one.id)
    await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500


async def test_an_agreement_by_dingtalk_itself_grants_nothing(env: DingTalkEnv) -> None:
    one = await ask(env)
    approvals.decide_by_itself(env.ding, one)
    await env.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await env.hear("pia", "DingTalk itself decided", "does not count")
    await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500


async def test_an_agreement_beyond_the_teams_budget_grants_nothing_and_says_why(env: DingTalkEnv) -> None:
    one = await ask(env, 500)
    await env.say("quinn", "request 400 load test")
    other = await approval_of(env, 2)
    await env.ding.agree("lee", other.id)
    await env.hear("quinn", "Lee approved **$400.00**")
    await env.say("quinn", "request 300 more")
    third = await approval_of(env, 3)
    await env.ding.agree("lee", third.id)
    await env.hear("quinn", "Lee approved **$300.00**")
    await env.ding.agree("lee", one.id)
    await env.hear("lee", "The budget of payments has $300.00 left")
    await env.card("lee", "asks for **$500.00**")
    assert env.left("pia") == 500


async def test_an_approval_revoked_by_an_administrator_becomes_a_card(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.ding.revoke("ops", one.id)
    await card_instead(env)
    assert request_in(env).state == "pending"


async def test_a_deleted_approval_becomes_a_card(env: DingTalkEnv) -> None:
    one = await ask(env)
    del env.ding.approvals[one.id]
    await env.at(NOW + timedelta(minutes=16))
    await card_instead(env)


@pytest.mark.parametrize(
    "faults",
    [
        {"code": "Forbidden.AccessDenied.ApiCountLimitForOrg", "status": 403},
        {"code": "processCodeError"},
        {"code": "formConverterError"},
        {"code": "processInstanceInvalidParameter"},
    ],
    ids=lambda one: one["code"],
)
async def test_an_approval_that_dingtalk_refuses_becomes_a_card(
    env: DingTalkEnv, faults: dict[str, Any]
) -> None:
    env.ding.faults.refuse("POST /v1.0/workflow/processInstances", **faults)
    await env.ding.say("pia", "request 300 load test")
    card = await card_instead(env)
    await env.press("lee", card, "request.approve")
    await env.settled()
    assert env.left("pia") == 800
    assert not env.ding.approvals


async def test_without_the_permission_the_request_is_a_card_and_the_admins_are_told_which_is_missing(
    env: DingTalkEnv,
) -> None:
    env.ding.scopes.discard("Workflow.Instance.Write")
    await env.ding.say("pia", "request 300 load test")
    await env.hear("ops", "Workflow.Instance.Write")
    await card_instead(env)


@pytest.mark.parametrize("env", [{"form": False}], indirect=True)
async def test_without_a_form_the_request_is_a_card_at_once(
    env: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await env.ding.say("pia", "request 300 load test")
        await env.card("lee", "asks for **$300.00**")
    assert "no approval form" in caplog.text


@pytest.mark.parametrize("env", [{"on_slack": ["lee"]}, {"on_slack": ["pia"]}], indirect=True)
async def test_with_a_person_unknown_to_dingtalk_the_request_is_a_card(
    env: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ask_for(env.database, "pia", 300, now=env.clock())
        env.app.worker.wake()
        await env.settled()
    assert "no dingtalk id of" in caplog.text
    assert not env.ding.approvals


async def test_a_missing_permission_to_read_keeps_the_decision_until_it_is_there(env: DingTalkEnv) -> None:
    one = await ask(env)
    env.ding.scopes.discard("Workflow.Instance.Read")
    await env.ding.agree("lee", one.id)
    await env.hear("ops", "Workflow.Instance.Read")
    env.ding.scopes.add("Workflow.Instance.Read")
    await env.hear("pia", "Lee approved **$300.00**")
