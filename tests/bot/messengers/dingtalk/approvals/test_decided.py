"""Requests as DingTalk's own approvals (`requests.channel: oa`), end to end, also decided in two places at once."""

from __future__ import annotations

from datetime import timedelta

from models.quota.leaving import leave
from sandbox.dingtalk import approvals
from tests.bot.messengers.dingtalk.approvals.steps import (
    approval_of,
    ask,
    has_ended,
    on_both,
    reads_of,
    request_in,
    unrevocable,
)
from tests.company import NOW, who
from tests.dingtalk_env import DingTalkEnv


@on_both
async def test_a_request_is_one_approval_that_the_manager_agrees_to(env: DingTalkEnv) -> None:
    await env.say("pia", "request 300 until 15 Dec load test")
    one = await approval_of(env)
    assert (one.originator, one.approvers) == ("pia", ("lee",))
    assert one.values == {
        "申请额度": "$300.00 · USD",
        "申请理由": "until 15 Dec load test",
        "有效期至": "2026-12-15",
        "可用额度变化": "$500.00 → $800.00",
        "申请编号": request_in(env).code,
        "说明": f"想批其他数额，请在和机器人的单聊里发送：同意 {request_in(env).code} 数额",
    }
    assert not env.heard("lee")
    before = env.metered
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert env.left("pia") == 800
    assert not env.heard("lee")
    assert env.metered == before + 2  # reading it, telling her


@on_both
async def test_the_remark_of_a_refusal_is_the_reason_that_the_requester_is_told(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.ding.refuse("lee", one.id, "not this month")
    await env.card("pia", "Lee declined", "not this month")
    assert request_in(env).state == "declined"


async def test_a_refusal_without_a_remark_says_that_no_reason_was_given(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.ding.refuse("lee", one.id)
    await env.card("pia", "no reason was given in DingTalk")


async def test_a_typed_amount_is_granted_and_ends_the_approval(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.say("lee", f"approve {request_in(env).code} 200")
    await has_ended(env, one)
    assert env.left("pia") == 700
    assert "$200.00" in one.acts[-1]["remark"]


async def test_a_cancelled_request_ends_its_approval_as_soon_as_dingtalk_allows(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.say("pia", f"cancel {request_in(env).code}")
    await has_ended(env, one)
    assert one.finished - one.started >= approvals.YOUNG
    await env.settled()
    assert request_in(env).state == "cancelled"


async def test_an_approval_revoked_by_the_requester_cancels_the_request(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.ding.revoke("pia", one.id)
    await env.until(lambda: request_in(env).state == "cancelled" or None)


async def test_an_expired_request_ends_its_approval(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.at(NOW + timedelta(days=8))
    await has_ended(env, one)
    assert request_in(env).state == "expired"


async def test_the_next_approver_gets_an_approval_with_both_and_the_first_one_may_still_decide(
    env: DingTalkEnv,
) -> None:
    first = await ask(env)
    await env.at(NOW + timedelta(days=3))
    await has_ended(env, first)
    await env.ding.event(approvals.EVENT, approvals.news(first, "delete"))
    await env.settled()
    assert request_in(env).state == "pending"
    second = await approval_of(env, 2)
    assert second.approvers == ("lee", "olga")
    await env.ding.agree("lee", second.id)
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert (env.left("pia"), len(env.ding.approvals)) == (800, 2)


async def test_an_older_approval_is_not_looked_at_again_and_changes_nothing(
    env: DingTalkEnv,
) -> None:
    first = await ask(env)
    env.ding.forms[first.form] = unrevocable(env)
    await env.at(NOW + timedelta(days=3))
    second = await approval_of(env, 2)
    await env.hear("ops", "allow that submitters revoke")
    approvals.hand_over(env.ding, first, "lee", "eve")
    await env.ding.agree("eve", first.id)
    await env.hear("eve", "is not yours to decide")
    assert not [one for one in env.ding.messages if one.card and one.place == "lee"]
    await env.ding.agree("olga", second.id)
    await env.hear("pia", "Olga approved **$300.00**")


async def test_an_approval_that_we_ended_is_not_looked_at_again(env: DingTalkEnv) -> None:
    first = await ask(env)
    await env.at(NOW + timedelta(days=3))
    await has_ended(env, first)
    await env.settled()
    before = len(reads_of(env))
    await env.at(NOW + timedelta(days=6))
    assert first.id not in [call.body["processInstanceId"] for call in reads_of(env)[before:]]


async def test_a_leaver_is_no_approver_of_the_next_approval(env: DingTalkEnv) -> None:
    await ask(env)
    env.database.transact(lambda session: leave(session, who(session, "lee"), NOW))
    await env.at(NOW + timedelta(minutes=1))
    assert (await approval_of(env, 2)).approvers == ("olga",)


async def test_an_amended_request_is_a_new_approval_and_the_old_one_decides_nothing(
    env: DingTalkEnv,
) -> None:
    first = await ask(env)
    env.ding.forms[first.form] = unrevocable(env)
    await env.say("pia", "request 400")
    second = await approval_of(env, 2)
    assert second.values["申请额度"] == "$400.00 · USD"
    await env.ding.agree("lee", first.id)
    await env.hear("lee", "was replaced by", "$400.00")
    await env.hear("pia", "Lee agreed to", "replaced by")
    assert env.left("pia") == 500


async def test_the_reminder_names_both_ways_and_is_not_a_second_card(env: DingTalkEnv) -> None:
    await ask(env)
    await env.at(NOW + timedelta(hours=5))
    said = await env.hear("lee", "Still open: Pia", "among your approvals in DingTalk")
    assert not said.card


async def test_the_first_decision_in_our_ledger_wins_and_both_people_are_told(env: DingTalkEnv) -> None:
    one = await ask(env)
    env.ding.faults.lose("event", times=None)
    await env.ding.agree("lee", one.id)
    await env.say("pia", f"cancel {request_in(env).code}")
    await env.hear("lee", "is settled", "cancelled")
    await env.hear("pia", "Lee agreed to", "but it was settled before", "cancelled")
    await env.settled()
    assert (env.left("pia"), request_in(env).state) == (500, "cancelled")


async def test_the_same_decision_of_the_same_person_in_both_places_is_told_once(env: DingTalkEnv) -> None:
    one = await ask(env)
    await env.say("lee", f"approve {request_in(env).code}")
    await env.ding.agree("lee", one.id)
    await env.settled()
    assert env.left("pia") == 800
    assert not [said for said in (*env.heard("pia"), *env.heard("lee")) if "settled before" in said]
    assert len(env.heard("lee")) == 1


async def test_the_admins_are_told_what_to_tick_when_dingtalk_refuses_to_end_an_approval(
    env: DingTalkEnv,
) -> None:
    one = await ask(env)
    env.ding.forms[one.form] = unrevocable(env)
    await env.say("pia", f"cancel {request_in(env).code}")
    await env.hear("ops", "allow that submitters revoke what is pending")
    assert one.status == "RUNNING"
    await env.ding.agree("lee", one.id)
    await env.hear("lee", "is settled", "cancelled")
    assert env.left("pia") == 500
