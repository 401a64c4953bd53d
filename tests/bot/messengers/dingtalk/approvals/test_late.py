"""An approval is decided once, whatever comes twice, late, too early, or never."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.dingtalk import approvals
from tests.bot.messengers.dingtalk.approvals.steps import (
    approval_of,
    ask,
    forge,
    has_ended,
    reads_of,
    request_in,
)
from tests.company import NOW
from tests.dingtalk_env import DingTalkEnv


async def test_the_same_event_three_times_grants_once(env: DingTalkEnv) -> None:
    one = await ask(env)
    env.ding.faults.repeat("event", copies=3, times=None)
    await env.ding.agree("lee", one.id)
    await env.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert env.left("pia") == 800
    assert len([one for one in env.heard("pia") if "approved" in one]) == 1


async def test_a_lost_event_is_made_up_for_by_looks_at_growing_intervals(env: DingTalkEnv) -> None:
    one = await ask(env)
    calls = len(reads_of(env))
    await env.at(NOW + timedelta(minutes=14))
    assert len(reads_of(env)) == calls
    for minutes in (16, 20, 31, 40, 61):
        await env.at(NOW + timedelta(minutes=minutes))
    assert len(reads_of(env)) == calls + 3
    env.ding.faults.lose("event", times=None)
    await env.ding.agree("lee", one.id)
    await env.at(NOW + timedelta(minutes=121))
    await env.hear("pia", "Lee approved **$300.00**")
    assert env.left("pia") == 800


async def test_an_event_that_arrives_before_the_answer_of_the_start_is_not_lost(env: DingTalkEnv) -> None:
    answer = env.ding.faults.hold("POST /v1.0/workflow/processInstances")
    one = await ask(env)
    await env.ding.agree("lee", one.id)
    await env.until(lambda: reads_of(env) or None)
    answer.set()
    await env.hear("pia", "Lee approved **$300.00**")


async def test_an_event_of_another_form_costs_nothing(env: DingTalkEnv) -> None:
    one = await ask(env)
    before = env.metered
    ack = await env.ding.event(approvals.EVENT, approvals.news(one, "finish") | {"processCode": "PROC-other"})
    assert ack.data == {"status": "SUCCESS", "message": "OK"}
    await env.settled()
    assert env.metered == before


async def test_an_approval_started_by_hand_with_the_same_code_is_ignored(env: DingTalkEnv) -> None:
    await ask(env)
    await env.ding.agree("lee", forge(env))
    await env.settled()
    assert request_in(env).state == "pending"


async def test_an_approval_started_by_hand_is_ignored_while_ours_is_starting(env: DingTalkEnv) -> None:
    answer = env.ding.faults.hold("POST /v1.0/workflow/processInstances")
    await ask(env)
    await env.ding.agree("lee", forge(env))
    await env.until(lambda: reads_of(env) or None)
    answer.set()
    await env.settled()
    assert request_in(env).state == "pending"


@pytest.mark.parametrize("faults", ["time_out", "fail", "lose_reply"])
async def test_a_start_of_unknown_outcome_is_looked_for_and_not_repeated(
    env: DingTalkEnv, faults: str
) -> None:
    getattr(env.ding.faults, faults)("POST /v1.0/workflow/processInstances")
    one = await ask(env)
    await env.settled()
    assert list(env.ding.approvals) == [one.id]
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")


async def test_a_decision_before_the_start_was_known_counts(env: DingTalkEnv) -> None:
    env.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    env.ding.faults.lose("event", times=None)
    one = await ask(env)
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")


async def test_a_start_that_failed_is_repeated(env: DingTalkEnv) -> None:
    env.ding.faults.refuse("POST /v1.0/workflow/processInstances", code="ServiceUnavailable", status=503)
    await env.ding.say("pia", "request 300 load test")
    await approval_of(env)
    assert len(env.ding.approvals) == 1


async def test_a_request_cancelled_before_the_start_never_starts(env: DingTalkEnv) -> None:
    env.ding.faults.punish("POST /v1.0/workflow/processInstances")
    await env.say("pia", "request 300 load test")
    await env.say("pia", f"cancel {request_in(env).code}")
    await env.settled(bound=60)
    assert not env.ding.approvals


async def test_a_request_cancelled_after_a_start_of_unknown_outcome_is_ended(
    env: DingTalkEnv,
) -> None:
    env.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    one = await ask(env)
    await env.say("pia", f"cancel {request_in(env).code}")
    await has_ended(env, one)
    assert len(env.ding.approvals) == 1
